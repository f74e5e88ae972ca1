//! Who may do what: a ladder of roles, and the least rung a command asks for.
//!
//! Roles are compared by rung, never by name, so a higher role may always do what a lower one may. A role that is not on
//! the ladder is below it; a command that asks for such a role is for nobody, so a slip in the config locks, never opens.

use std::{
    collections::BTreeMap,
    fmt::{self, Formatter},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use wtaf_plugin_sdk::{Context, Named, StageError, json};

/// The rungs where the host offers none, lowest first.
const LADDER: [&str; 5] = ["user", "coder", "degen", "operator", "admin"];

/// The least role of a command where the host says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// Everyone, whatever their role.
    Anyone,
    /// What every new person is.
    Coder,
}

/// The host's `roles`: the ladder, and beside it command → least role.
#[derive(Debug)]
pub struct Roles {
    ladder: Vec<String>,
    needs: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

/// Entry by entry: serde's `flatten` would keep a copy of the whole table first.
struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Roles;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("struct Roles")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Roles, A::Error> {
        let (mut ladder, mut needs) = (None, BTreeMap::new());
        while let Some(key) = entries.next_key::<String>()? {
            if key != "ladder" {
                needs.insert(key, entries.next_value()?);
            } else if ladder.replace(entries.next_value()?).is_some() {
                return Err(A::Error::duplicate_field("ladder"));
            }
        }
        Ok(Roles { ladder: ladder.unwrap_or_else(default_ladder), needs })
    }
}

fn default_ladder() -> Vec<String> {
    LADDER.map(str::to_owned).to_vec()
}

impl Roles {
    /// The host's table, or the built-in one.
    ///
    /// # Errors
    /// `bad-input` where the host's table is no such table.
    pub fn read(ctx: &Context) -> Result<Self, StageError> {
        match ctx.extra.named("roles").filter(|text| !text.trim().is_empty()) {
            Some(text) => json::read(text).map_err(|error| StageError::BadInput(format!("roles: {error}"))),
            None => Ok(Self { ladder: default_ladder(), needs: BTreeMap::new() }),
        }
    }

    /// Whether someone of this role may use this command.
    pub fn allow(&self, role: &str, command: &str, least: Least) -> bool {
        let wanted = match (self.needs.get(command), least) {
            (Some(role), _) => role.as_str(),
            (None, Least::Anyone) => return true,
            (None, Least::Coder) => "coder",
        };
        let Some(wanted) = self.rung(wanted) else { return false };
        // Who holds a role that is not on the ladder stands on its lowest rung.
        self.rung(role).unwrap_or(0) >= wanted
    }

    fn rung(&self, role: &str) -> Option<usize> {
        self.ladder.iter().position(|rung| rung.eq_ignore_ascii_case(role))
    }
}

#[cfg(test)]
mod tests {
    use super::{Least, Roles};

    fn roles(text: &str) -> Roles {
        serde_json::from_str(text).expect("a table of roles")
    }

    #[test]
    fn a_higher_role_may_what_a_lower_one_may() {
        let roles = roles(r#"{"ladder":["user","coder","degen","operator","admin"],"remix":"degen"}"#);
        let may = |role| roles.allow(role, "remix", Least::Coder);
        assert_eq!(["user", "coder", "degen", "operator", "admin"].map(may), [false, false, true, true, true]);
    }

    #[test]
    fn a_command_the_table_does_not_name_keeps_its_own_least_role() {
        let roles = roles("{}");
        assert!(roles.allow("coder", "wtaf", Least::Coder));
        assert!(!roles.allow("user", "wtaf", Least::Coder));
        assert!(roles.allow("user", "help", Least::Anyone));
    }

    #[test]
    fn a_role_that_is_not_on_the_ladder_opens_nothing() {
        let roles = roles(r#"{"ladder":["user","coder"],"edit":"codr","help":"user"}"#);
        assert!(!roles.allow("coder", "edit", Least::Coder));
        assert!(!roles.allow("stranger", "wtaf", Least::Coder));
        assert!(roles.allow("stranger", "help", Least::Anyone));
    }
}
