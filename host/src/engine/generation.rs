//! A generation: one immutable set of stages, plugins, configuration and AI chain. A job runs on one from beginning to end, never on a mixture.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    adapter::ai::Ai,
    config::{Checked, Role, Runs, Stage},
    plugin::{Limits, Plugin},
};

/// What a generation is known by: a digest of its configuration and its plugins, so that the same set has the same name on every machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GenerationId(String);

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for GenerationId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl GenerationId {
    fn of(pipeline: &Checked, plugins: &Plugins) -> Self {
        let mut hash = Sha256::new_with_prefix(pipeline.text());
        for (key, plugin) in plugins {
            hash.update(format!("\0{key}\0{}", plugin.digest));
        }
        let mut id = hex::encode(hash.finalize());
        id.truncate(16);
        Self(id)
    }

    /// Whether it may be a file's name.
    pub fn is_plain(&self) -> bool {
        !self.0.is_empty() && self.0.len() <= 64 && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// Plugins by [`crate::config::PluginSource::key`]: what pipeline.toml calls them, not which version that is.
pub type Plugins = BTreeMap<String, Arc<Plugin>>;

/// A stage with its plugin, ready to run.
#[derive(Clone)]
pub struct Ready {
    /// What pipeline.toml says of it.
    pub stage: Arc<Stage>,
    /// What its calls may use.
    pub limits: Limits,
    /// Where it is a plugin.
    pub plugin: Option<Arc<Plugin>>,
    /// Whether it stands before anything is decided.
    pub before_coach: bool,
}

impl Ready {
    /// What pipeline.toml calls the plugin.
    pub fn key(&self) -> Option<String> {
        match &self.stage.runs {
            Runs::Plugin { source, .. } => Some(source.key()),
            Runs::Adapter(_) => None,
        }
    }
}

/// A plugin of the pipeline that nobody has loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stage {stage} wants the plugin {key}, which is not loaded")]
pub struct NotLoaded {
    stage: String,
    key: String,
}

/// One immutable set.
pub struct Generation {
    /// Its name.
    pub id: GenerationId,
    /// The configuration.
    pub pipeline: Arc<Checked>,
    /// In order.
    pub stages: Vec<Ready>,
    /// The chain of providers.
    pub ai: Arc<dyn Ai>,
    /// The engine's own coach: what says the words when the configured one cannot.
    pub spare_coach: Arc<Plugin>,
    plugins: Plugins,
}

impl Generation {
    /// Puts a pipeline and its plugins together.
    pub fn new(
        pipeline: Arc<Checked>,
        ai: Arc<dyn Ai>,
        plugins: &Plugins,
        spare_coach: Arc<Plugin>,
    ) -> Result<Self, NotLoaded> {
        let is_coach = |stage: &Stage| matches!(stage.runs, Runs::Plugin { role: Role::Coach, .. });
        let coach = pipeline.stages.iter().position(is_coach).unwrap_or(0);
        let mut used = Plugins::new();
        let mut stages = Vec::new();
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let plugin = match &stage.runs {
                Runs::Plugin { source, .. } => {
                    let key = source.key();
                    let Some(plugin) = plugins.get(&key) else {
                        return Err(NotLoaded { stage: stage.name.clone(), key });
                    };
                    used.insert(key, Arc::clone(plugin));
                    Some(Arc::clone(plugin))
                }
                Runs::Adapter(_) => None,
            };
            let limits = Limits::of(&pipeline.plugins, stage);
            stages.push(Ready { stage: Arc::new(stage.clone()), limits, plugin, before_coach: index < coach });
        }
        let id = GenerationId::of(&pipeline, &used);
        Ok(Self { id, pipeline, stages, ai, spare_coach, plugins: used })
    }

    /// The same with other versions of some plugins. Those that it does not use are left out.
    #[must_use]
    pub fn with(&self, others: &[(&str, &Arc<Plugin>)]) -> Self {
        let (mut stages, mut plugins) = (self.stages.clone(), self.plugins.clone());
        for (key, plugin) in others {
            if let Some(used) = plugins.get_mut(*key) {
                *used = Arc::clone(plugin);
            }
            for ready in stages.iter_mut().filter(|ready| ready.key().as_deref() == Some(*key)) {
                ready.plugin = Some(Arc::clone(plugin));
            }
        }
        Self {
            id: GenerationId::of(&self.pipeline, &plugins),
            pipeline: Arc::clone(&self.pipeline),
            stages,
            ai: Arc::clone(&self.ai),
            spare_coach: Arc::clone(&self.spare_coach),
            plugins,
        }
    }

    /// What it runs, by what pipeline.toml calls it.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// Whether it runs this version of this plugin.
    pub fn runs(&self, key: &str, plugin: &Plugin) -> bool {
        self.plugins.get(key).is_some_and(|used| used.digest == plugin.digest)
    }

    /// The coach: the flow check has seen to it that there is one.
    pub fn coach(&self) -> Option<(&Ready, &Arc<Plugin>)> {
        self.stages.iter().find_map(|ready| match (&ready.stage.runs, &ready.plugin) {
            (Runs::Plugin { role: Role::Coach, .. }, Some(plugin)) => Some((ready, plugin)),
            _ => None,
        })
    }
}
