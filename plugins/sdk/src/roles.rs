//! One module a role: its types, its trait, and the macro that exports an implementation.
//!
//! The macros wrap the author's type so that a panic reaches the host's log with its message and line, not as a bare `unreachable`.

/// The coach: understands what came in, says what went out.
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
