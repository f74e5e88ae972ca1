//! Puts generations together: reads pipeline.toml, finds the plugins it names, builds the chain of providers.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Generation, NotLoaded, Plugins, generations::OnRecord, parts::Rebuild};
use crate::{
    adapter::ai::Ai,
    config::{self, Checked, Faults, Places, PluginSource, Role, RoleOf, Runs},
    plugin::{self, Registry, SourceError, ledger::Ledger},
};

/// Makes the chain of providers a pipeline names: adapters are chosen where the engine is put together, not here.
pub type Providers = dyn Fn(&Checked) -> Result<Arc<dyn Ai>, String> + Send + Sync;

/// Why no generation came of it.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// A plugin could not be had.
    #[error(transparent)]
    Plugin(#[from] SourceError),
    /// A stage was left without its plugin.
    #[error(transparent)]
    NotLoaded(#[from] NotLoaded),
    /// The providers could not be set up.
    #[error("the AI providers: {0}")]
    Ai(String),
    /// The file has faults.
    #[error("{0}")]
    Config(#[from] Faults),
}

/// `[[ai]]` as it was written, and the chain made of it.
type LastChain = (Option<toml::Value>, Arc<dyn Ai>);

/// What generations are made with.
pub struct Workshop {
    registry: Arc<Registry>,
    overrides: Vec<String>,
    path: std::path::PathBuf,
    providers: Box<Providers>,
    last_chain: Mutex<Option<LastChain>>,
}

impl Workshop {
    /// For the pipeline at `path`, read with the given `--set`s.
    pub fn new(
        registry: Arc<Registry>,
        path: &std::path::Path,
        overrides: Vec<String>,
        providers: Box<Providers>,
    ) -> Self {
        Self { registry, overrides, path: path.to_owned(), providers, last_chain: Mutex::default() }
    }

    /// Where plugins come from.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Reads the file as it is now. Which role a plugin has is asked of `versions`, so that a spoiled file beside it spoils nothing.
    pub fn read(&self, versions: &dyn RoleOf) -> Result<Checked, Faults> {
        config::load(&self.path, &self.overrides, versions)
    }

    /// A pipeline with these plugins. Where `[[ai]]` is what it was, the chain of providers is the one there is, with its turns and breakers.
    pub fn assemble(&self, pipeline: Arc<Checked>, plugins: &Plugins) -> Result<Generation, AssemblyError> {
        let ai = self.chain(&pipeline)?;
        Ok(Generation::new(pipeline, ai, plugins, self.registry.embedded("coach")?)?)
    }

    fn chain(&self, pipeline: &Checked) -> Result<Arc<dyn Ai>, AssemblyError> {
        // It was parsed a moment ago.
        let wanted = pipeline.text().parse::<toml::Table>().unwrap_or_default().remove("ai");
        let mut last = self.last_chain.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((table, chain)) = &*last
            && *table == wanted
        {
            return Ok(Arc::clone(chain));
        }
        let chain = (self.providers)(pipeline).map_err(AssemblyError::Ai)?;
        *last = Some((wanted, Arc::clone(&chain)));
        Ok(chain)
    }
}

/// Every plugin a pipeline names, each once.
pub fn sources(pipeline: &Checked) -> Vec<PluginSource> {
    let mut sources: Vec<PluginSource> = Vec::new();
    for stage in &pipeline.stages {
        if let Runs::Plugin { source, .. } = &stage.runs
            && !sources.contains(source)
        {
            sources.push(source.clone());
        }
    }
    sources
}

/// Roles of the versions a record names.
struct OnShelf<'a>(&'a OnRecord, &'a Registry);

impl RoleOf for OnShelf<'_> {
    fn role_of(&self, source: &PluginSource, _: Places<'_>) -> Result<Role, String> {
        let digest = self.0.plugins.get(&source.key()).ok_or("it is not on record")?;
        Ok(self.1.version(&source.name(), digest).map_err(|error| error.to_string())?.about.role)
    }
}

impl Rebuild for Workshop {
    fn rebuild(&self, record: &OnRecord, now: &Checked) -> Result<Generation, String> {
        let record = self.without_set_aside(record);
        let roles = OnShelf(&record, &self.registry);
        let mut pipeline = config::load_text(&self.path, &record.pipeline, &self.overrides, &roles)
            .map_err(|faults| format!("its pipeline.toml no longer holds: {faults}"))?;
        // Links lead to where the engine is now.
        pipeline.listening_on(now.listening());
        let mut plugins = Plugins::new();
        for source in sources(&pipeline) {
            let digest = record.plugins.get(&source.key()).ok_or("a plugin of it is not on record")?;
            let plugin = self.registry.version(&source.name(), digest).map_err(|error| error.to_string())?;
            plugins.insert(source.key(), plugin);
        }
        self.assemble(Arc::new(pipeline), &plugins).map_err(|error| error.to_string())
    }
}

impl Workshop {
    /// A version that was set aside since is not given a second chance at the jobs that began on it.
    fn without_set_aside(&self, record: &OnRecord) -> OnRecord {
        let mut record = record.clone();
        let Ok(ledger) = Ledger::look_in(self.registry.shelf().dir()) else { return record };
        for (key, digest) in &mut record.plugins {
            if let Some(entry) = ledger.entry(key).filter(|entry| entry.set_aside(digest).is_some()) {
                digest.clone_from(&entry.in_force.digest);
            }
        }
        record
    }
}

/// Roles as the components themselves say, at this moment.
pub struct Components;

impl RoleOf for Components {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        plugin::role_of(source, places)
    }
}
