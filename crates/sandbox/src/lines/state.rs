//! What the devices on lines know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A core with one design.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QSys {
    pub design: String,
    /// Named controls with their values.
    pub controls: BTreeMap<String, Value>,
    /// Named components, each with its controls.
    pub components: BTreeMap<String, BTreeMap<String, Value>>,
    /// Snapshot controllers, each with the bank that was loaded last; 0 is none.
    pub snapshots: BTreeMap<String, u64>,
    /// Changes so far.
    pub changes: u64,
}

/// A matrix switcher.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Extron {
    pub inputs: u64,
    /// Outputs by number.
    pub outputs: BTreeMap<u64, Output>,
    /// Changes so far.
    pub changes: u64,
}

/// An output of a switcher.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Output {
    /// The input that its picture comes from; 0 is none.
    pub video: u64,
    /// The input that its sound comes from.
    pub audio: u64,
    pub video_muted: bool,
    pub audio_muted: bool,
    /// 0 to 100.
    pub volume: u64,
}

impl Default for QSys {
    fn default() -> Self {
        let values = |pairs: &[(&str, Value)]| -> BTreeMap<String, Value> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect()
        };
        QSys {
            design: "Boardroom 4A".to_owned(),
            controls: values(&[
                ("MainGain", json!(-12.0)),
                ("MainMute", json!(false)),
                ("SourceSelect", json!("HDMI 1")),
            ]),
            components: BTreeMap::from([(
                "Ceiling Mics".to_owned(),
                values(&[("gain", json!(0.0)), ("mute", json!(false))]),
            )]),
            snapshots: BTreeMap::from([("Scenes".to_owned(), 0)]),
            changes: 0,
        }
    }
}

impl Default for Extron {
    fn default() -> Self {
        let output = |number: u64| Output {
            video: number,
            audio: number,
            video_muted: false,
            audio_muted: false,
            volume: 64,
        };
        Extron {
            inputs: 8,
            outputs: (1..=4).map(|number| (number, output(number))).collect(),
            changes: 0,
        }
    }
}
