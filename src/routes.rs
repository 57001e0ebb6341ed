//! Where resources register their operations: once for each thread that serves, and once for the document.

use actix_web::{dev::HttpServiceFactory, guard::Guard, web};
use utoipa::openapi::{Components, OpenApi};
use utoipa_actix_web::OpenApiFactory;

use crate::valid::BodyLimit;

/// What a resource registers its operations with.
pub struct Routes<'a> {
    app: &'a mut web::ServiceConfig,
    /// What the paths begin with.
    base: &'static str,
    /// The document in the making. An app that serves makes none: with all schemas, that would be most of a start.
    document: Option<&'a mut OpenApi>,
}

impl Routes<'_> {
    /// For an app that serves.
    pub fn serving(app: &mut web::ServiceConfig) -> Routes<'_> {
        Routes { app, base: "", document: None }
    }

    /// For the document.
    pub fn documenting<'a>(app: &'a mut web::ServiceConfig, document: &'a mut OpenApi) -> Routes<'a> {
        Routes { app, base: "", document: Some(document) }
    }

    /// Registers an operation: the handler's route and, where the document is made, what it says of itself.
    pub fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, operation: F) -> &mut Self {
        if let Some(document) = &mut self.document {
            let mut paths = operation.paths();
            let below = std::mem::take(&mut paths.paths).into_iter();
            paths.paths = below.map(|(path, item)| (format!("{}{path}", self.base), item)).collect();
            document.paths.merge(paths);
            let mut schemas = Vec::new();
            operation.schemas(&mut schemas);
            document.components.get_or_insert_with(Components::new).schemas.extend(schemas);
        }
        self.app.service(operation);
        self
    }

    /// Lets bodies of this resource have as many bytes as this, where others may have fewer.
    pub fn body_limit(&mut self, bytes: usize) -> &mut Self {
        self.app.app_data(BodyLimit(bytes));
        self
    }

    /// Registers a resource whose paths begin with `base`, for the requests that `guard` lets through.
    pub fn below(
        &mut self,
        base: &'static str,
        guard: impl Guard + 'static,
        resource: fn(&mut Routes<'_>),
    ) -> &mut Self {
        let document = self.document.as_deref_mut();
        let scope = web::scope(base).guard(guard);
        self.app.service(scope.configure(|app| resource(&mut Routes { app, base, document })));
        self
    }
}
