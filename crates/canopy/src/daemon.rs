//! `canopy run` as a program that stays: it listens before it asks anybody for anything, takes up a changed configuration,
//! and ends in time.

mod changed;
mod room;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use canopy_engine::Observer;
use canopy_web::{Bounds, Routes};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::auth;
use crate::commands::bind;
use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::log::note;
use crate::program::{Program, Trust};
use crate::shutdown::{self, Hangups};
use changed::Changed;

/// Once it is to end, what was begun may take so long. What hangs is then left as after a crash: its intent is durable, and
/// the next start looks up what became of it.
const GRACE: Duration = Duration::from_secs(5);
/// The same before another configuration takes over: there is no hurry, and what is finished need not be looked up.
const HANDOVER: Duration = Duration::from_mins(1);
/// Whatever hangs besides, a disk for example: the process ends.
const LAST: Duration = Duration::from_millis(9_300);
/// First and longest wait before a service that cannot be reached is asked for what the start needs.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));
/// How often the configuration's file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What the listeners show, and until when.
struct Front {
    page: Routes,
    /// With where they can be sent.
    hooks: Option<(Routes, SocketAddr)>,
}

/// Why the program that worked does not any more.
enum Left {
    Stopped,
    /// Another one is ready to go on.
    Replaced(Box<Program>),
}

struct Daemon<'a> {
    path: &'a Path,
    environment: &'a Environment,
    observer: Arc<dyn Observer>,
    stop: CancellationToken,
}

/// Runs until a signal comes. The program is handed out to be closed; `None`: it was stopped before it began.
pub(crate) async fn run(
    path: &Path,
    loaded: &Loaded,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Option<Program>, Failure> {
    let stop = shutdown::on_signal();
    let hangups = Hangups::new();
    end_in_time(&stop);
    let bounds = room::bounds();
    let page = bind(loaded.config.server.listen, "server.listen").await?;
    let hooks = if loaded.config.webhooks.enabled {
        Some(bind(loaded.config.webhooks.listen, "webhooks.listen").await?)
    } else {
        None
    };
    let at = page.local_addr().map_err(|error| Failure::failed(&error))?;
    let starting = || Routes::new(canopy_web::starting_router());
    let front = Front {
        page: starting(),
        hooks: match hooks.as_ref().map(TcpListener::local_addr) {
            Some(at) => Some((starting(), at.map_err(|error| Failure::failed(&error))?)),
            None => None,
        },
    };
    announce(&front);
    let ended = stop.child_token();
    let listening = listen(&front, page, hooks, bounds, &ended);
    let daemon = Daemon {
        path,
        environment,
        observer,
        stop,
    };
    let working = async {
        let result = daemon.work(loaded, &front, &at.to_string(), hangups).await;
        ended.cancel();
        result
    };
    tokio::join!(listening, working).1
}

async fn listen(
    front: &Front,
    page: TcpListener,
    hooks: Option<TcpListener>,
    bounds: Bounds,
    ended: &CancellationToken,
) {
    let few = Bounds {
        connections: 64,
        ..bounds
    };
    let page = canopy_web::serve(page, front.page.clone(), few, ended.cancelled());
    let hooks = async {
        if let (Some(listener), Some((routes, _))) = (hooks, &front.hooks) {
            canopy_web::serve(listener, routes.clone(), bounds, ended.cancelled()).await;
        }
    };
    tokio::join!(page, hooks);
}

/// Says where webhooks can be sent; with port 0 only this tells.
fn announce(front: &Front) {
    match &front.hooks {
        Some((_, at)) => note(&format!("webhooks:    http://{at}/webhooks/highlevel")),
        None => note("webhooks:    off; changes are found by polling"),
    }
}

/// The last resort. A thread, because the runtime's own may all hang.
fn end_in_time(stop: &CancellationToken) {
    let stop = stop.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        // Where there can be no thread, the system's patience is the limit.
        let _ = std::thread::Builder::new()
            .name("last resort".to_owned())
            .spawn(|| {
                std::thread::sleep(LAST);
                std::process::exit(1);
            });
    });
}

impl Front {
    fn show(&self, program: &Program) {
        let app = program.app();
        self.page.replace(canopy_web::page_router(app.clone()));
        if let Some((hooks, _)) = &self.hooks {
            hooks.replace(canopy_web::webhook_router(app));
        }
    }
}

impl Daemon<'_> {
    async fn work(
        &self,
        loaded: &Loaded,
        front: &Front,
        page: &str,
        mut hangups: Hangups,
    ) -> Result<Option<Program>, Failure> {
        if let Some((hooks, at)) = &front.hooks {
            auth::wait(loaded, self.environment, &self.stop, (hooks, *at)).await?;
        }
        let Some(mut program) = self.begin(loaded).await? else {
            return Ok(None);
        };
        program.introduce();
        front.show(&program);
        note(&format!("status page: http://{page}/"));
        let changed = Changed::new(self.path, &program);
        changed.is_in_force(&[]).await;
        loop {
            match self.until_left(&program, &changed, &mut hangups).await? {
                Left::Stopped => return Ok(Some(program)),
                Left::Replaced(next) => {
                    front.show(&next);
                    // What came in before the newcomer's routes did.
                    program.flush().await;
                    program = *next;
                    if self.stop.is_cancelled() {
                        return Ok(Some(program));
                    }
                }
            }
        }
    }

    /// Puts the program together. A service that cannot be reached, and is needed for it, is asked again.
    async fn begin(&self, loaded: &Loaded) -> Result<Option<Program>, Failure> {
        let (mut wait, longest) = AGAIN;
        loop {
            let (environment, observer) = (self.environment, self.observer.clone());
            let assembled = tokio::select! {
                assembled = Program::assemble(loaded, environment, observer, Trust::Known, None) => assembled,
                () = self.stop.cancelled() => return Ok(None),
            };
            match assembled {
                Err(Failure::Later(why)) => {
                    tracing::warn!("{why}; it will be tried again in {} s", wait.as_secs());
                }
                assembled => return assembled.map(Some),
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = self.stop.cancelled() => return Ok(None),
            }
            wait = (wait * 2).min(longest);
        }
    }

    /// Lets the program work until a signal comes, or another one takes over.
    async fn until_left(
        &self,
        program: &Program,
        changed: &Changed<'_>,
        hangups: &mut Hangups,
    ) -> Result<Left, Failure> {
        let end = self.stop.child_token();
        let work = program.work(&end);
        tokio::pin!(work);
        let next = tokio::select! {
            ended = &mut work => return ended.map(|()| Left::Stopped),
            () = self.stop.cancelled() => None,
            next = self.successor(program, changed, hangups) => Some(next),
        };
        end.cancel();
        let in_time = tokio::select! {
            ended = timeout(HANDOVER, &mut work) => ended,
            () = async { self.stop.cancelled().await; sleep(GRACE).await; } => timeout(Duration::ZERO, &mut work).await,
        };
        if let Ok(ended) = in_time {
            ended?;
        } else {
            tracing::warn!(
                "what hangs is left as it is; what became of it is looked up before it is done again"
            );
        }
        Ok(next.map_or(Left::Stopped, |next| Left::Replaced(Box::new(next))))
    }

    /// Waits for a signal upon which a changed configuration can take over, and tells of one that waits for the signal.
    async fn successor(
        &self,
        program: &Program,
        changed: &Changed<'_>,
        hangups: &mut Hangups,
    ) -> Program {
        let mut often = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = often.tick() => changed.look().await,
                () = hangups.next(&self.stop) => {
                    match self.assemble_next(program, changed).await {
                        Ok(next) => return next,
                        Err(failure) => changed.is_refused(&failure).await,
                    }
                }
            }
        }
    }

    /// The program that the file as it is now describes, except for what cannot change while the process runs.
    async fn assemble_next(
        &self,
        program: &Program,
        changed: &Changed<'_>,
    ) -> Result<Program, Failure> {
        let mut loaded = config::load(self.path)?;
        let kept_back = changed::keep_back(program.config(), &mut loaded.config);
        let next = Program::assemble(
            &loaded,
            self.environment,
            self.observer.clone(),
            Trust::Known,
            Some(program.kept()),
        )
        .await?;
        changed.taken(loaded.text);
        changed.is_in_force(&kept_back).await;
        next.introduce();
        Ok(next)
    }
}
