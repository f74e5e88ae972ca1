//! Reading what a call was given.

use serde::de::DeserializeOwned;

use crate::{Context, Extra, StageError, json};

/// Looks a name up in an `extra` list.
pub trait Named {
    /// The value under `name`, where there is one.
    fn named(&self, name: &str) -> Option<&str>;
}

impl Named for Extra {
    fn named(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Context {
    /// The stage's `config` table as the plugin's own type.
    ///
    /// # Errors
    /// `internal`, naming the field, when the table does not fit.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, StageError> {
        self.config_and_unknown().map(|(config, _)| config)
    }

    /// The same for a type that allows keys it does not know, with those, so that the operator can be told of them.
    ///
    /// # Errors
    /// `internal`, naming the field, when the table does not fit.
    pub fn config_and_unknown<T: DeserializeOwned>(&self) -> Result<(T, Vec<&str>), StageError> {
        let text = if self.config.trim().is_empty() { "{}" } else { &self.config };
        json::read_noting(text).map_err(|error| StageError::Internal(format!("config of this stage: {error}")))
    }
}
