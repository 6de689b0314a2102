//! What the vendors hold, counted.

use serde_json::Value;

/// A snapshot of the sandbox.
pub struct World(pub Value);

impl World {
    /// The texts in a channel, replies included, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<String> {
        let channels = self.0["slack"]["channels"].as_array().expect("channels");
        let channel = channels
            .iter()
            .find(|known| known["name"] == channel)
            .expect("the channel");
        let messages = channel["messages"].as_array().expect("messages");
        messages.iter().map(|message| text(message, "text")).collect()
    }

    /// All messages of all channels.
    pub fn all_messages(&self) -> usize {
        let channels = self.0["slack"]["channels"].as_array().expect("channels");
        channels
            .iter()
            .map(|channel| channel["messages"].as_array().map_or(0, Vec::len))
            .sum()
    }

    /// The records of a table, with one of their fields each.
    pub fn records(&self, table: &str, field: &str) -> Vec<String> {
        let records = self.0["servicenow"]["records"].as_object().expect("records");
        let own = records
            .values()
            .filter(|record| record["sys_class_name"] == table);
        let mut values: Vec<String> = own.map(|record| text(record, field)).collect();
        values.sort();
        values
    }

    /// The topics of meetings or webinars.
    pub fn sessions(&self, kind: &str) -> Vec<String> {
        let sessions = self.0["zoom"]["sessions"].as_object().expect("sessions");
        let own = sessions.values().filter(|session| session["kind"] == kind);
        own.map(|session| text(session, "topic")).collect()
    }

    /// How often each room was restarted, all together.
    pub fn restarts(&self) -> u64 {
        let rooms = self.0["zoom"]["rooms"].as_array().expect("rooms");
        rooms.iter().filter_map(|room| room["restarts"].as_u64()).sum()
    }

    /// The names of attached files.
    pub fn attachments(&self) -> Vec<String> {
        let files = self.0["servicenow"]["attachments"]
            .as_object()
            .expect("attachments");
        files.values().map(|file| text(file, "file_name")).collect()
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
