//! A generation: one immutable set of stages, plugins and configuration. A job runs on one from beginning to end, never on a mixture.

use std::sync::Arc;

use crate::{
    config::{Checked, Role, Runs, Stage},
    plugin::{Limits, Plugin, Registry, SourceError},
};

/// A stage with its plugin, ready to run.
pub struct Ready {
    /// What pipeline.toml says of it.
    pub stage: Stage,
    /// What its calls may use.
    pub limits: Limits,
    /// Where it is a plugin.
    pub plugin: Option<Arc<Plugin>>,
    /// Whether it stands before anything is decided.
    pub before_coach: bool,
}

/// One immutable set.
pub struct Generation {
    /// The configuration.
    pub pipeline: Arc<Checked>,
    /// In order.
    pub stages: Vec<Ready>,
    /// The engine's own coach: what says the words when the configured one cannot.
    pub spare_coach: Arc<Plugin>,
}

impl Generation {
    /// Loads every plugin of a pipeline. Compiles: call it off the async threads.
    pub fn load(pipeline: Arc<Checked>, registry: &Registry) -> Result<Self, SourceError> {
        let is_coach = |stage: &Stage| matches!(stage.runs, Runs::Plugin { role: Role::Coach, .. });
        let coach = pipeline.stages.iter().position(is_coach).unwrap_or(0);
        let stages = pipeline
            .stages
            .iter()
            .enumerate()
            .map(|(index, stage)| {
                let plugin = match &stage.runs {
                    Runs::Plugin { source, .. } => Some(registry.load(source)?),
                    Runs::Adapter(_) => None,
                };
                let limits = Limits::of(&pipeline.plugins, stage);
                Ok(Ready { stage: stage.clone(), limits, plugin, before_coach: index < coach })
            })
            .collect::<Result<_, SourceError>>()?;
        Ok(Self { stages, spare_coach: registry.embedded("coach")?, pipeline })
    }

    /// The coach: the flow check has seen to it that there is one.
    pub fn coach(&self) -> Option<(&Ready, &Arc<Plugin>)> {
        self.stages.iter().find_map(|ready| match (&ready.stage.runs, &ready.plugin) {
            (Runs::Plugin { role: Role::Coach, .. }, Some(plugin)) => Some((ready, plugin)),
            _ => None,
        })
    }
}
