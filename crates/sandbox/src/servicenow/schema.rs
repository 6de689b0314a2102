//! Which tables there are, which fields they have, and what a field's values mean.
//!
//! As in ServiceNow, fields that a table doesn't have are dropped when written and ignored in
//! queries. Fields whose names start with `u_` or `x_` are an instance's own and always there.

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub name: &'static str,
    /// The table it extends.
    pub parent: Option<&'static str>,
    /// What its numbers start with, if its records have numbers.
    pub prefix: Option<&'static str>,
    /// What people see as a record's name.
    pub display: &'static str,
    /// Whether the sandbox lets clients create, change and delete its records.
    pub writable: bool,
    /// Its own fields.
    own: &'static [&'static str],
}

/// What a field's text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A sys_id in that table.
    Reference(&'static str),
    /// A stored value and its label, for each choice.
    Choice(&'static [(&'static str, &'static str)]),
    /// Text that grows: each write adds an entry, which plain reads don't show.
    Journal,
}

const COMMON: &[&str] = &[
    "sys_id",
    "sys_class_name",
    "sys_created_on",
    "sys_created_by",
    "sys_updated_on",
    "sys_updated_by",
    "sys_mod_count",
];
const TASK: &[&str] = &[
    "number",
    "short_description",
    "description",
    "state",
    "priority",
    "urgency",
    "impact",
    "active",
    "assignment_group",
    "assigned_to",
    "opened_at",
    "opened_by",
    "closed_at",
    "close_notes",
    "comments",
    "work_notes",
    "correlation_id",
    "correlation_display",
    "parent",
    "cmdb_ci",
    "location",
    "due_date",
    "contact_type",
    "approval",
    "order",
];
const INCIDENT: &[&str] = &[
    "caller_id",
    "category",
    "subcategory",
    "incident_state",
    "close_code",
    "severity",
    "resolved_at",
    "resolved_by",
    "business_service",
    "hold_reason",
    "problem_id",
];
const STORY: &[&str] = &[
    "acceptance_criteria",
    "story_points",
    "type",
    "classification",
    "product",
    "epic",
    "sprint",
    "theme",
    "blocked",
    "blocked_reason",
    "release",
];
const SCRUM_TASK: &[&str] = &[
    "story",
    "type",
    "planned_hours",
    "hours",
    "remaining_hours",
    "blocked",
    "blocked_reason",
];
const KNOWLEDGE: &[&str] = &[
    "number",
    "short_description",
    "text",
    "kb_knowledge_base",
    "kb_category",
    "category",
    "topic",
    "article_type",
    "workflow_state",
    "author",
    "meta",
    "meta_description",
    "published",
    "valid_to",
    "active",
    "source",
    "wiki",
    "version",
    "description",
];

const TABLES: &[Table] = &[
    Table {
        name: "task",
        parent: None,
        prefix: Some("TASK"),
        display: "number",
        writable: true,
        own: TASK,
    },
    Table {
        name: "incident",
        parent: Some("task"),
        prefix: Some("INC"),
        display: "number",
        writable: true,
        own: INCIDENT,
    },
    Table {
        name: "rm_story",
        parent: Some("task"),
        prefix: Some("STRY"),
        display: "number",
        writable: true,
        own: STORY,
    },
    Table {
        name: "rm_scrum_task",
        parent: Some("task"),
        prefix: Some("STSK"),
        display: "number",
        writable: true,
        own: SCRUM_TASK,
    },
    Table {
        name: "kb_knowledge",
        parent: None,
        prefix: Some("KB"),
        display: "short_description",
        writable: true,
        own: KNOWLEDGE,
    },
    Table {
        name: "kb_knowledge_base",
        parent: None,
        prefix: None,
        display: "title",
        writable: false,
        own: &["title", "description", "active", "owner"],
    },
    Table {
        name: "kb_category",
        parent: None,
        prefix: None,
        display: "label",
        writable: false,
        own: &["label", "value", "active"],
    },
    Table {
        name: "sys_user_group",
        parent: None,
        prefix: None,
        display: "name",
        writable: false,
        own: &["name", "description", "email", "active"],
    },
    Table {
        name: "sys_user",
        parent: None,
        prefix: None,
        display: "name",
        writable: false,
        own: &["name", "user_name", "email", "active"],
    },
];

const LEVELS: &[(&str, &str)] = &[("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low")];
const PRIORITIES: &[(&str, &str)] = &[
    ("1", "1 - Critical"),
    ("2", "2 - High"),
    ("3", "3 - Moderate"),
    ("4", "4 - Low"),
    ("5", "5 - Planning"),
];
const INCIDENT_STATES: &[(&str, &str)] = &[
    ("1", "New"),
    ("2", "In Progress"),
    ("3", "On Hold"),
    ("6", "Resolved"),
    ("7", "Closed"),
    ("8", "Canceled"),
];
const AGILE_STATES: &[(&str, &str)] = &[
    ("-6", "Draft"),
    ("1", "Ready"),
    ("2", "Work in progress"),
    ("-7", "Ready for testing"),
    ("-8", "Testing"),
    ("3", "Complete"),
    ("4", "Cancelled"),
];
const TASK_STATES: &[(&str, &str)] = &[
    ("-5", "Pending"),
    ("1", "Open"),
    ("2", "Work in Progress"),
    ("3", "Closed Complete"),
    ("4", "Closed Incomplete"),
    ("7", "Closed Skipped"),
];
const WORKFLOW_STATES: &[(&str, &str)] = &[
    ("draft", "Draft"),
    ("review", "Review"),
    ("published", "Published"),
    ("pending_retirement", "Pending retirement"),
    ("retired", "Retired"),
    ("outdated", "Outdated"),
];

impl Table {
    /// The table of that name.
    pub(super) fn find(name: &str) -> Option<&'static Table> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// True if records of this table are also records of the table called `name`.
    pub(super) fn is_a(&self, name: &str) -> bool {
        self.name == name || self.parent == Some(name)
    }

    /// All fields, inherited ones first.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static str> + use<> {
        let inherited = self
            .parent
            .and_then(Table::find)
            .map_or(&[][..], |parent| parent.own);
        COMMON.iter().chain(inherited).chain(self.own).copied()
    }

    /// True if records can hold the field.
    pub(super) fn has(&self, field: &str) -> bool {
        field.starts_with("u_") || field.starts_with("x_") || self.fields().any(|known| known == field)
    }

    /// What the field's text means.
    pub(super) fn kind(&self, field: &str) -> Kind {
        match field {
            "assignment_group" => Kind::Reference("sys_user_group"),
            "assigned_to" | "opened_by" | "caller_id" | "resolved_by" | "author" | "owner" => {
                Kind::Reference("sys_user")
            }
            "parent" => Kind::Reference("task"),
            "story" => Kind::Reference("rm_story"),
            "kb_knowledge_base" => Kind::Reference("kb_knowledge_base"),
            "kb_category" => Kind::Reference("kb_category"),
            "comments" | "work_notes" => Kind::Journal,
            "urgency" | "impact" => Kind::Choice(LEVELS),
            "priority" => Kind::Choice(PRIORITIES),
            "workflow_state" => Kind::Choice(WORKFLOW_STATES),
            "incident_state" => Kind::Choice(INCIDENT_STATES),
            "state" => Kind::Choice(match self.name {
                "incident" => INCIDENT_STATES,
                "rm_story" | "rm_scrum_task" => AGILE_STATES,
                _ => TASK_STATES,
            }),
            _ => Kind::Text,
        }
    }
}
