//! Enums whose values have one name each, in documents, rows and the interface.

/// A text that is not one of the known names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} '{text}': expected one of {known}")]
pub struct UnknownStatus {
    pub(crate) what: &'static str,
    pub(crate) text: String,
    pub(crate) known: String,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident $what:literal { $($(#[$vdoc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in documents, rows and the interface.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result { f.pad(self.as_str()) }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownStatus;
            fn from_str(text: &str) -> Result<Self, $crate::UnknownStatus> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| $crate::UnknownStatus {
                    what: $what,
                    text: text.chars().take(80).collect(),
                    known: Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

pub(crate) use named;
