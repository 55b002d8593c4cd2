//! How a connection gets into `HighLevel`: an app's tokens that renew themselves, an agency's that give a location's, or
//! private integration tokens that are rotated by hand.

mod age;
mod agency;
mod callback;
mod install;
mod kept;
mod private;
mod scopes;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use canopy_highlevel::oauth::OAuthApp;
use canopy_store::Store;
use canopy_store::clock::{Clock, SystemClock};
use canopy_transport::TokenSource;
use secrecy::SecretString;

pub(crate) use age::{ages, remind, reminder};
pub(crate) use callback::{Callback, comes_here, wait};
pub(crate) use install::{finish, link, pick_code};
pub(crate) use kept::{Keeper, Kept, granted};
pub(crate) use scopes::{Need, needed, needs};

use crate::config::{ConnectionConfig, OAuthConfig, SecretError, SecretRef};
use crate::connect::Connector;
use crate::exit::{Failure, chain};
use agency::LocationTokens;
use private::PrivateTokens;
use source::AppTokens;

/// Kind of the alert that a connection must be made again.
pub(crate) const RECONNECT: &str = "reconnect";

/// One clock for the store's and the client's ways of asking.
#[derive(Debug, Clone)]
pub(crate) struct Time(pub Arc<dyn Clock>);

impl Time {
    pub fn system() -> Self {
        Self(Arc::new(SystemClock))
    }
}

impl canopy_transport::Clock for Time {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }
}

impl Connector<'_> {
    /// Where the tokens for calls to `HighLevel` come from.
    pub async fn token_source(
        self,
        config: &ConnectionConfig,
    ) -> Result<Arc<dyn TokenSource>, Failure> {
        let store = self.store.map(|store| Arc::new(store.clone()) as _);
        if let Some(oauth) = &config.highlevel.oauth {
            self.of_app(config, oauth, store).await
        } else {
            let tokens = self.private_tokens(config).await?;
            let source = PrivateTokens::load(tokens, &config.id, store, Time::system()).await;
            Ok(Arc::new(source.map_err(|error| Failure::failed(&error))?))
        }
    }

    /// The app of a connection.
    pub async fn app(
        self,
        config: &ConnectionConfig,
        oauth: &OAuthConfig,
    ) -> Result<OAuthApp, Failure> {
        let field = "highlevel.oauth.client_secret";
        let secret = self.secret(config, field, &oauth.client_secret).await?;
        Ok(OAuthApp::new(&oauth.client_id, secret)
            .redirect_uri(&oauth.redirect_uri)
            .base_url(&config.highlevel.base_url))
    }

    /// The private integration tokens of a connection, the present one first.
    pub async fn private_tokens(
        self,
        config: &ConnectionConfig,
    ) -> Result<Vec<SecretString>, Failure> {
        let mut tokens = Vec::new();
        if let Some(token) = &config.highlevel.token {
            tokens.push(self.secret(config, "highlevel.token", token).await?);
        }
        if let Some(next) = &config.highlevel.next_token {
            tokens.push(self.secret(config, "highlevel.next_token", next).await?);
        }
        Ok(tokens)
    }

    /// What the connection's installation gave, where there is one.
    pub async fn kept(self, config: &ConnectionConfig) -> Result<Option<Kept>, Failure> {
        match self.store {
            Some(store) => kept::read(store, &config.id)
                .await
                .map_err(|error| Failure::failed(&error)),
            None => Ok(None),
        }
    }

    /// The location that the app is installed at.
    pub async fn installed_at(self, config: &ConnectionConfig) -> Result<String, Failure> {
        let kept = self.kept(config).await?;
        let location = kept.and_then(|kept| kept.tokens.location_id().map(str::to_owned));
        location.ok_or_else(|| self.not_connected(config))
    }

    async fn of_app(
        self,
        config: &ConnectionConfig,
        oauth: &OAuthConfig,
        store: Option<Arc<dyn Store>>,
    ) -> Result<Arc<dyn TokenSource>, Failure> {
        let (Some(store), Some(kept)) = (store, self.kept(config).await?) else {
            return Err(self.not_connected(config));
        };
        install::check(config, oauth, &kept.tokens).map_err(|problem| {
            let file = &self.loaded.file;
            let id = &config.id;
            Failure::BadInput(format!(
                "{file}: connection \"{id}\": {problem}; then run `canopy auth url --connection {id}`"
            ))
        })?;
        let app = self.app(config, oauth).await?;
        let chooser = install::plain_link(self.loaded, config, oauth, &app)?;
        let location = config.highlevel.location_id.clone();
        let company = kept.tokens.company_id().map(str::to_owned);
        let is_agency = kept.tokens.is_agency();
        let keeper = Keeper::new(store, &config.id, kept, location.as_deref(), Time::system());
        let source =
            AppTokens::new(app, keeper, chooser).map_err(|error| Failure::bad_input(&error))?;
        match (is_agency, company, location) {
            (true, Some(company), Some(location)) => {
                let url = &config.highlevel.base_url;
                let tokens =
                    LocationTokens::new(url, Arc::new(source), company, location, Time::system())
                        .map_err(|error| Failure::bad_input(&error))?;
                Ok(Arc::new(tokens))
            }
            _ => Ok(Arc::new(source)),
        }
    }

    fn not_connected(self, config: &ConnectionConfig) -> Failure {
        Failure::BadInput(format!(
            "{}: connection \"{id}\" is not connected yet; run `canopy auth url --connection {id}`, open the link, \
             and give `canopy auth finish` where it leads",
            self.loaded.file,
            id = config.id
        ))
    }

    /// A secret of a connection's configuration.
    pub async fn secret(
        self,
        config: &ConnectionConfig,
        field: &str,
        secret: &SecretRef,
    ) -> Result<SecretString, Failure> {
        secret
            .resolve(&self.loaded.folder, self.environment, self.store)
            .await
            .map_err(|error: SecretError| {
                Failure::BadInput(format!(
                    "{}: connection \"{}\": {field}: {}",
                    self.loaded.file,
                    config.id,
                    chain(&error)
                ))
            })
    }
}
