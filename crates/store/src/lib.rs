//! SQLite behind the Store trait, migrations, one contract suite
