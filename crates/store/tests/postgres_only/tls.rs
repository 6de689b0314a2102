//! TLS to the database: which connections speak it, and whose certificates they believe.

use std::path::PathBuf;
use std::sync::LazyLock;

use ports::{JournalStore, LibraryStore, StoreError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use store::postgres::{Address, PostgresStore, is_set_up, open, shown};
use tempfile::TempDir;
use testkit::cluster::{Cluster, Flush, Identity};

use super::outage::{is_unreachable, until_back};
use crate::contract::fixtures::{Bench, TENANT};
use crate::{CLUSTER, PostgresBench, raw};

/// In every address, and in no message.
const PASSWORD: &str = "hunter2secret";

/// One that signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, and the key that belongs to it.
    own: Identity,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(&["localhost"], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let own = Identity {
            certificate: params.self_signed(&key).expect("signed").pem(),
            key: key.serialize_pem(),
        };
        let issuer = Issuer::new(params, key);
        Self { issuer, own }
    }

    /// Signs what a server shows.
    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn params(names: &[&str], subject: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, subject);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// A server, and the files of authorities that its clients may name.
struct Town {
    cluster: Cluster,
    folder: TempDir,
}

impl Town {
    fn new(identity: Option<&Identity>, believed: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), believed).expect("written");
        let cluster = Cluster::start_on_port(Flush::Never, identity).expect("a cluster");
        Self { cluster, folder }
    }

    /// Whose server is signed for localhost by an authority of its own.
    fn usual() -> Self {
        let authority = Authority::new("The town's authority");
        let identity = authority.sign(&params(&["localhost"], "The town's database"));
        let town = Self::new(Some(&identity), &authority.own.certificate);
        // The second one has the same name and another key.
        for (file, name) in [
            ("stranger.pem", "Somebody"),
            ("namesake.pem", "The town's authority"),
        ] {
            let stranger = Authority::new(name).own.certificate;
            std::fs::write(town.file(file), stranger).expect("written");
        }
        town
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of a new database by its port, with these words at the end.
    fn url(&self, host: &str, words: &str) -> String {
        let name = self.cluster.new_database().expect("a database");
        let port = self.cluster.port().expect("it listens");
        let words = words.replace("CA", &self.file("ca.pem").display().to_string());
        format!("postgres://postgres:{PASSWORD}@{host}:{port}/{name}?{words}")
    }
}

static TOWN: LazyLock<Town> = LazyLock::new(Town::usual);

/// A bench on this address.
fn on(url: &str) -> PostgresBench {
    let mut bench = PostgresBench::new();
    bench.url = url.to_owned();
    bench
}

/// A node on a bench, its pool used.
async fn at_work(bench: &PostgresBench) -> PostgresStore {
    let store = bench.node("a").await;
    bench.world().held_run(&store).await;
    store
        .setting(TENANT, "k")
        .await
        .expect("the pool has a connection");
    store
}

/// How many connections there are by the port, and how many of them are encrypted, by the database's word.
async fn counted(town: &Town, bench: &PostgresBench) -> (i64, i64) {
    let place = bench.url.split('?').next().expect("a place");
    let (_, name) = place.rsplit_once('/').expect("a name");
    let client = raw(&town.cluster.url(name)).await;
    let row = client
        .query_one(
            "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE datname = current_database() AND client_addr IS NOT NULL",
            &[],
        )
        .await
        .expect("asked");
    (row.get(0), row.get(1))
}

/// What is told to whoever connects, never with the password.
async fn refusal(address: impl Into<Address>) -> String {
    let refused = is_set_up(&address.into()).await.expect_err("it is refused");
    assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused:?}");
    let told = refused.to_string();
    assert!(!told.contains(PASSWORD), "{told}");
    told
}

#[tokio::test]
async fn every_connection_to_a_believed_database_is_encrypted() {
    for words in [
        "sslmode=require&sslrootcert=CA",
        "sslmode=verify-ca&sslrootcert=CA",
        "sslmode=verify-full&sslrootcert=CA",
        "sslrootcert=CA",
        "sslmode=prefer&sslrootcert=CA",
    ] {
        let bench = on(&TOWN.url("localhost", words));
        let store = at_work(&bench).await;
        let (all, encrypted) = counted(&TOWN, &bench).await;
        assert!(
            all >= 3,
            "{words}: the pool, the writer and the one that listens, not {all}"
        );
        assert_eq!(encrypted, all, "{words}");
        store.close().await;
    }
}

#[tokio::test]
async fn the_configured_file_does_as_well_as_the_addresss() {
    let bench = on(&TOWN.url("localhost", "sslmode=require"));
    let mut options = bench.options(&bench.url, "a", false);
    options.address.ca_file = Some(TOWN.file("ca.pem"));
    let store = open(options).await.expect("it opens");
    store.setting(TENANT, "k").await.expect("it is read");
    let (all, encrypted) = counted(&TOWN, &bench).await;
    assert!(all >= 2 && encrypted == all, "{encrypted} of {all}");
    store.close().await;
}

#[tokio::test]
async fn another_authority_is_not_believed_whatever_the_mode() {
    for mode in ["require", "verify-ca", "verify-full", "prefer"] {
        for name in ["stranger.pem", "namesake.pem"] {
            let file = TOWN.file(name).display().to_string();
            let words = format!("sslmode={mode}&sslrootcert={file}");
            let told = refusal(TOWN.url("localhost", &words).as_str()).await;
            assert!(
                told.contains("database at localhost") && told.contains(&file),
                "{told}"
            );
            assert!(told.contains("database.ca_file"), "it tells what to do: {told}");
        }
    }
    // The machine's authorities, if it has any, know nothing of the town's.
    let unknown = is_set_up(&TOWN.url("localhost", "sslmode=require").as_str().into()).await;
    let told = unknown.expect_err("it is refused").to_string();
    assert!(
        told.contains("database.ca_file") && !told.contains(PASSWORD),
        "{told}"
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_believed() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let words = format!("sslmode={mode}&sslrootcert=CA");
        let told = refusal(TOWN.url("127.0.0.1", &words).as_str()).await;
        assert!(
            told.contains("127.0.0.1") && told.contains("another name"),
            "{told}"
        );
        assert!(told.contains("localhost"), "it tells the right one: {told}");
    }
    // The name counts, not the address that it is reached by.
    let words = "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=CA";
    let url = TOWN.url("localhost", words);
    assert_eq!(is_set_up(&url.as_str().into()).await, Ok(false));
    let elsewhere = url.replace("@localhost", "@db.example");
    let told = refusal(elsewhere.as_str()).await;
    assert!(told.contains("db.example"), "{told}");
}

#[tokio::test]
async fn expired_certificates_and_those_of_authorities_are_not_believed() {
    let authority = Authority::new("An authority");
    let mut old = params(&["localhost"], "An old database");
    old.not_before = date_time_ymd(2020, 1, 1);
    old.not_after = date_time_ymd(2021, 1, 1);
    let nameless = params(&[], "localhost");
    for (identity, said) in [
        (authority.sign(&old), "expired"),
        (authority.sign(&nameless), "names no host"),
        (authority.own.clone(), "CA:FALSE"),
    ] {
        let town = Town::new(Some(&identity), &authority.own.certificate);
        let told = refusal(town.url("localhost", "sslrootcert=CA").as_str()).await;
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_its_own_authority() {
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("signed");
    let identity = Identity {
        certificate: signed.cert.pem(),
        key: signed.signing_key.serialize_pem(),
    };
    let town = Town::new(Some(&identity), &identity.certificate);
    let url = town.url("127.0.0.1", "sslmode=verify-full&sslrootcert=CA");
    assert_eq!(is_set_up(&url.as_str().into()).await, Ok(false));
}

#[tokio::test]
async fn without_a_wish_tls_is_taken_where_it_is_offered_and_nobody_is_asked() {
    for words in ["", "sslmode=prefer"] {
        // For another name, by an authority that nobody named.
        let bench = on(&TOWN.url("127.0.0.1", words));
        let store = at_work(&bench).await;
        let (all, encrypted) = counted(&TOWN, &bench).await;
        assert!(all >= 3 && encrypted == all, "{words}: {encrypted} of {all}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_without_tls_is_refused_where_it_is_asked_for() {
    let town = Town::new(None, &Authority::new("An authority").own.certificate);
    for words in ["sslmode=require&sslrootcert=CA", "sslrootcert=CA"] {
        let told = refusal(town.url("127.0.0.1", words).as_str()).await;
        assert!(told.contains("no TLS") && told.contains("sslmode"), "{told}");
    }
    for words in ["", "sslmode=disable", "sslmode=prefer&sslrootcert=CA"] {
        let bench = on(&town.url("127.0.0.1", words));
        let store = at_work(&bench).await;
        let (all, encrypted) = counted(&town, &bench).await;
        assert!(all >= 3 && encrypted == 0, "{words}: {encrypted} of {all}");
        store.close().await;
    }
}

#[tokio::test]
async fn disable_and_sockets_stay_plain_beside_tls() {
    let bench = on(&TOWN.url("localhost", "sslmode=disable&sslrootcert=CA"));
    let store = at_work(&bench).await;
    let (all, encrypted) = counted(&TOWN, &bench).await;
    assert!(all >= 3 && encrypted == 0, "{encrypted} of {all}");
    store.close().await;
    let url = format!(
        "{}&sslmode=verify-full",
        TOWN.cluster.database().expect("a database")
    );
    assert_eq!(
        is_set_up(&url.as_str().into()).await,
        Ok(false),
        "TLS has no place there"
    );
}

#[tokio::test]
async fn a_log_in_is_bound_to_its_channel() {
    let town = Town::usual();
    let url = town.url("localhost", "sslrootcert=CA&channel_binding=require");
    let name = town.cluster.new_database().expect("a database");
    let admin = raw(&town.cluster.url(&name)).await;
    let made = format!("CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'");
    admin.batch_execute(&made).await.expect("made");
    let rules = town.cluster.data().join("pg_hba.conf");
    std::fs::write(
        rules,
        "local all all trust\nhostssl all ann 127.0.0.1/32 scram-sha-256\n",
    )
    .expect("written");
    // Read at the start.
    town.cluster.stop().expect("stopped");
    town.cluster.begin().expect("started again");
    let url = url.replace("//postgres:", "//ann:");
    assert_eq!(is_set_up(&url.as_str().into()).await, Ok(false));
    let wrong = url.replace(PASSWORD, "guessed");
    let told = refusal(wrong.as_str()).await;
    assert!(told.contains("refuses"), "{told}");
    let plain = format!("{}&sslmode=disable", url);
    refusal(plain.as_str()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_database_that_goes_away_is_gone_on_with() {
    let town = Town::usual();
    let bench = on(&town.url("localhost", "sslrootcert=CA"));
    let store = bench.node("a").await;
    let world = bench.world();
    let (row, claim) = world.held_run(&store).await;
    town.cluster.stop().expect("stopped");
    let append = world.append(claim.lease, &row, 1, 1);
    assert!(is_unreachable(&store.append(append.clone()).await));
    assert!(is_unreachable(&store.run(TENANT, row.run).await));
    town.cluster.begin().expect("started again");
    until_back(&store).await;
    assert_eq!(store.append(append).await, Ok(()));
    let (all, encrypted) = counted(&town, &bench).await;
    assert!(all >= 2 && encrypted == all, "{encrypted} of {all}");
    store.close().await;
}

#[tokio::test]
async fn a_file_of_authorities_that_can_not_be_read_is_named() {
    std::fs::write(TOWN.file("empty.pem"), "nothing").expect("written");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(TOWN.file("broken.pem"), broken).expect("written");
    std::os::unix::fs::symlink("/dev/zero", TOWN.file("endless.pem")).expect("linked");
    for (name, said) in [
        ("missing.pem", "No such file"),
        ("empty.pem", "no certificate"),
        ("broken.pem", "can't be read"),
        ("endless.pem", "more than"),
    ] {
        let address = Address {
            ca_file: Some(TOWN.file(name)),
            ..TOWN.url("localhost", "").as_str().into()
        };
        let unusable = shown(&address).expect_err("it can't be used");
        let told = unusable.to_string();
        assert!(told.contains(name) && told.contains(said), "{told}");
        assert!(unusable.hint().contains("database.ca_file"));
        let refused = is_set_up(&address).await.expect_err("refused as well");
        assert!(matches!(refused, StoreError::Other { .. }), "{refused:?}");
        assert!(!refused.to_string().contains(PASSWORD), "{refused}");
    }
    // Where TLS isn't spoken nobody needs it.
    let url = CLUSTER.database().expect("a database");
    let address = Address {
        ca_file: Some(TOWN.file("missing.pem")),
        ..url.as_str().into()
    };
    assert_eq!(is_set_up(&address).await, Ok(false));
}
