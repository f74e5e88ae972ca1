//! One module a role: its types, its trait, and the macro that exports an implementation.
//!
//! The macros wrap the author's type so that a panic reaches the host's log with its message and line, not as a bare `unreachable`.

/// The coach: understands what came in, says what went out.
///
/// All command grammar and all wording live here. The carriers' opt-out words are dealt with by the host before.
///
/// ```
/// use wtaf_plugin_sdk::{
///     Context, Named, Order, PageSummary, Person, Request, StageError, Turn,
///     coach::{Coach, Decision, Occasion, Outcome},
/// };
///
/// struct Plain;
///
/// impl Coach for Plain {
///     fn decide(_: Context, request: Request, _: Person, _: Vec<PageSummary>, _: Vec<Turn>) -> Result<Decision, StageError> {
///         let order = Order {
///             kind: "page".into(),
///             text: request.text,
///             coach: None,
///             page: None,
///             why: "everything is an idea".into(),
///             extra: vec![],
///         };
///         Ok(Decision { actions: vec![], then: Outcome::Order(order) })
///     }
///
///     fn say(_: Context, _: Person, occasion: Occasion) -> Result<Option<String>, StageError> {
///         let url = occasion.values.named("url");
///         Ok(url.map(|url| format!("Here it is:\n{url}")))
///     }
/// }
///
/// wtaf_plugin_sdk::export_coach!(Plain);
/// ```
pub mod coach {
    use crate::{Context, PageSummary, Person, Request, StageError, Turn};

    pub use crate::__bindings::coach::exports::wtaf::stage::coach::{Action, Decision, Occasion, Outcome};

    /// What a coach plugin implements; see `wit/coach.wit` for the contract.
    pub trait Coach {
        /// What to do with a request.
        fn decide(
            ctx: Context,
            request: Request,
            person: Person,
            pages: Vec<PageSummary>,
            thread: Vec<Turn>,
        ) -> Result<Decision, StageError>;

        /// The words for an occasion, or none.
        fn say(ctx: Context, person: Person, occasion: Occasion) -> Result<Option<String>, StageError>;
    }

    /// Exports a [`Coach`] as a component of the world `coach-plugin`.
    #[macro_export]
    macro_rules! export_coach {
        ($implementation:ty) => {
            // Natively a plugin is a library for its own tests: its exports are names no native linker takes.
            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::__bindings::coach::exports::wtaf::stage::coach as wit;

                struct Exported;

                impl wit::Guest for Exported {
                    fn decide(
                        ctx: $crate::Context,
                        request: $crate::Request,
                        person: $crate::Person,
                        pages: Vec<$crate::PageSummary>,
                        thread: Vec<$crate::Turn>,
                    ) -> Result<wit::Decision, $crate::StageError> {
                        $crate::__install_panic_hook();
                        <$implementation as $crate::coach::Coach>::decide(ctx, request, person, pages, thread)
                    }

                    fn say(
                        ctx: $crate::Context,
                        person: $crate::Person,
                        occasion: wit::Occasion,
                    ) -> Result<Option<String>, $crate::StageError> {
                        $crate::__install_panic_hook();
                        <$implementation as $crate::coach::Coach>::say(ctx, person, occasion)
                    }
                }

    $crate::__bindings::coach::__export_coach!(Exported with_types_in $crate::__bindings::coach);
            };
        };
    }
}

/// The prompt writer: turns an order into an AI call.
///
/// Text that stays the same goes first, the person's words last and unchanged: providers charge less for a beginning they have seen before.
///
/// ```
/// use wtaf_plugin_sdk::{
///     Context, Extra, Order, Person, StageError, Turn,
///     prompt::{AiCall, Message, Part, Prompt, Role},
/// };
///
/// struct Plain;
///
/// impl Prompt for Plain {
///     fn compose(_: Context, order: Order, _: Person, _: Vec<Turn>, _: Extra) -> Result<AiCall, StageError> {
///         let says = |role, text: String| Message { role, content: vec![Part::Text(text)] };
///         Ok(AiCall {
///             messages: vec![says(Role::System, "Make one HTML page.".into()), says(Role::User, order.text)],
///             modality: "text".into(),
///             temperature: None,
///             max_output_tokens: None,
///             extra: vec![("purpose".into(), "page".into())],
///         })
///     }
/// }
///
/// wtaf_plugin_sdk::export_prompt!(Plain);
/// ```
pub mod prompt {
    use crate::{Context, Extra, Order, Person, StageError, Turn};

    pub use crate::__bindings::prompt::exports::wtaf::stage::prompt::{AiCall, Message, Part, Role};

    /// What a prompt plugin implements; see `wit/prompt.wit` for the contract.
    pub trait Prompt {
        /// The AI call for an order.
        fn compose(
            ctx: Context,
            order: Order,
            person: Person,
            thread: Vec<Turn>,
            material: Extra,
        ) -> Result<AiCall, StageError>;
    }

    /// Exports a [`Prompt`] as a component of the world `prompt-plugin`.
    #[macro_export]
    macro_rules! export_prompt {
        ($implementation:ty) => {
            // Natively a plugin is a library for its own tests: its exports are names no native linker takes.
            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::__bindings::prompt::exports::wtaf::stage::prompt as wit;

                struct Exported;

                impl wit::Guest for Exported {
                    fn compose(
                        ctx: $crate::Context,
                        order: $crate::Order,
                        person: $crate::Person,
                        thread: Vec<$crate::Turn>,
                        material: $crate::Extra,
                    ) -> Result<wit::AiCall, $crate::StageError> {
                        $crate::__install_panic_hook();
                        <$implementation as $crate::prompt::Prompt>::compose(ctx, order, person, thread, material)
                    }
                }

    $crate::__bindings::prompt::__export_prompt!(Exported with_types_in $crate::__bindings::prompt);
            };
        };
    }
}

/// The extractor: finds the page in what the AI said.
///
/// [`Found::CutOff`](extract::Found::CutOff) has the host ask for the rest, and call again with all of it.
///
/// ```
/// use wtaf_plugin_sdk::{
///     Context, Order, PageDraft, StageError,
///     extract::{Extract, Found},
/// };
///
/// struct Plain;
///
/// impl Extract for Plain {
///     fn extract(_: Context, _: Order, answer: String, finished: bool) -> Result<Found, StageError> {
///         Ok(match (answer.contains("</html>"), finished) {
///             (true, _) => Found::Pages(vec![PageDraft {
///                 audience: "everyone".into(),
///                 title: None,
///                 html: answer,
///                 assets: vec![],
///                 extra: vec![],
///             }]),
///             (false, false) => Found::CutOff,
///             (false, true) => Found::Nothing("no page in the answer".into()),
///         })
///     }
/// }
///
/// wtaf_plugin_sdk::export_extract!(Plain);
/// ```
pub mod extract {
    use crate::{Context, Order, StageError};

    pub use crate::__bindings::extract::exports::wtaf::stage::extract::Found;

    /// What an extract plugin implements; see `wit/extract.wit` for the contract.
    pub trait Extract {
        /// What the answer holds.
        fn extract(ctx: Context, order: Order, answer: String, finished: bool) -> Result<Found, StageError>;
    }

    /// Exports an [`Extract`] as a component of the world `extract-plugin`.
    #[macro_export]
    macro_rules! export_extract {
        ($implementation:ty) => {
            // Natively a plugin is a library for its own tests: its exports are names no native linker takes.
            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::__bindings::extract::exports::wtaf::stage::extract as wit;

                struct Exported;

                impl wit::Guest for Exported {
                    fn extract(
                        ctx: $crate::Context,
                        order: $crate::Order,
                        answer: String,
                        finished: bool,
                    ) -> Result<wit::Found, $crate::StageError> {
                        $crate::__install_panic_hook();
                        <$implementation as $crate::extract::Extract>::extract(ctx, order, answer, finished)
                    }
                }

    $crate::__bindings::extract::__export_extract!(Exported with_types_in $crate::__bindings::extract);
            };
        };
    }
}

/// The namer: proposes names for a page.
///
/// A name matches `[a-z0-9]+(-[a-z0-9]+)*`, has at most 64 bytes and is none of `taken`. The host takes the first that is free.
///
/// ```
/// use wtaf_plugin_sdk::{Context, Order, Seeded, StageError, slug::Slug};
///
/// struct Plain;
///
/// impl Slug for Plain {
///     fn propose(ctx: Context, _: Order, _: Option<String>, taken: Vec<String>) -> Result<Vec<String>, StageError> {
///         let mut chance = Seeded::new(ctx.seed);
///         let names = (0..20).map(|_| format!("page-{}", chance.below(1_000_000)));
///         Ok(names.filter(|name| !taken.contains(name)).collect())
///     }
/// }
///
/// wtaf_plugin_sdk::export_slug!(Plain);
/// ```
pub mod slug {
    use crate::{Context, Order, StageError};

    /// What a slug plugin implements; see `wit/slug.wit` for the contract.
    pub trait Slug {
        /// Candidates, best first.
        fn propose(
            ctx: Context,
            order: Order,
            title: Option<String>,
            taken: Vec<String>,
        ) -> Result<Vec<String>, StageError>;
    }

    /// Exports a [`Slug`] as a component of the world `slug-plugin`.
    #[macro_export]
    macro_rules! export_slug {
        ($implementation:ty) => {
            // Natively a plugin is a library for its own tests: its exports are names no native linker takes.
            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::__bindings::slug::exports::wtaf::stage::slug as wit;

                struct Exported;

                impl wit::Guest for Exported {
                    fn propose(
                        ctx: $crate::Context,
                        order: $crate::Order,
                        title: Option<String>,
                        taken: Vec<String>,
                    ) -> Result<Vec<String>, $crate::StageError> {
                        $crate::__install_panic_hook();
                        <$implementation as $crate::slug::Slug>::propose(ctx, order, title, taken)
                    }
                }

    $crate::__bindings::slug::__export_slug!(Exported with_types_in $crate::__bindings::slug);
            };
        };
    }
}

/// The filter: looks at, changes or refuses what passes.
///
/// It gives back the case it was given. The stage's `on` in pipeline.toml says what it is shown.
///
/// ```
/// use wtaf_plugin_sdk::{
///     Context, StageError,
///     filter::{Content, Filter},
/// };
///
/// struct Plain;
///
/// impl Filter for Plain {
///     fn apply(_: Context, content: Content) -> Result<Content, StageError> {
///         match content {
///             Content::Idea(idea) if idea.text.len() > 5_000 => Err(StageError::Refused("Shorter, please.".into())),
///             other => Ok(other),
///         }
///     }
/// }
///
/// wtaf_plugin_sdk::export_filter!(Plain);
/// ```
pub mod filter {
    use crate::{Context, StageError};

    pub use crate::__bindings::filter::exports::wtaf::stage::filter::Content;

    /// What a filter plugin implements; see `wit/filter.wit` for the contract.
    pub trait Filter {
        /// The same case, changed or not.
        fn apply(ctx: Context, content: Content) -> Result<Content, StageError>;
    }

    /// Exports a [`Filter`] as a component of the world `filter-plugin`.
    #[macro_export]
    macro_rules! export_filter {
        ($implementation:ty) => {
            // Natively a plugin is a library for its own tests: its exports are names no native linker takes.
            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::__bindings::filter::exports::wtaf::stage::filter as wit;

                struct Exported;

                impl wit::Guest for Exported {
                    fn apply(ctx: $crate::Context, content: wit::Content) -> Result<wit::Content, $crate::StageError> {
                        $crate::__install_panic_hook();
                        <$implementation as $crate::filter::Filter>::apply(ctx, content)
                    }
                }

    $crate::__bindings::filter::__export_filter!(Exported with_types_in $crate::__bindings::filter);
            };
        };
    }
}
