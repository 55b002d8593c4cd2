//! `canopy backup` and `canopy restore`: copies that are proved before they are called copies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use canopy_engine::account::Copied;
use canopy_store::clock::SystemClock;
use canopy_store::{Inventory, SecretKey, SqliteStore, prove, snapshot};
use clap::Args;
use serde_json::json;
use tempfile::TempPath;

use crate::cli::ConfigArgs;
use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::opening::mark_path;
use crate::output;
use crate::polls;
use crate::program::{job_lock, lock};

#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The file to write; one that is there is never overwritten
    pub file: PathBuf,
    /// Print what is in it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// A file that `canopy backup` wrote
    pub file: PathBuf,
    /// Print what is in it as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn backup(options: &Backup, environment: &Environment) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    must_be_free(&options.file)?;
    let path = loaded.store_path();
    let failed = |error: canopy_store::OpenError| Failure::opening(&error);
    let store = SqliteStore::open_read_only(&path).await.map_err(failed)?;
    let counted = store.inventory().await;
    store.close().await;
    let least = counted.map_err(|error| Failure::failed(&error))?;
    let copy = copy(&path, &options.file).await?;
    let found = prove(&copy).await.map_err(failed)?;
    if found.ledger_entries < least.ledger_entries || found.events < least.events {
        return Err(Failure::Failed(format!(
            "the copy has fewer entries ({}) than the store had when it began ({}); nothing was kept",
            found.ledger_entries, least.ledger_entries
        )));
    }
    // That it opens with the key is what a person needs on the day of the fire.
    let key = config::store_key(&path, &loaded.config, &loaded.folder, environment)?;
    opens(&copy, &key).await?;
    keep(copy, &options.file)?;
    let key_file = loaded.folder.join(&loaded.config.key_file);
    report("backed up", &options.file, &found, options.json)?;
    if !options.json && key_file.exists() {
        eprintln!(
            "it does not open without the key in {}: keep that elsewhere, too",
            key_file.display()
        );
    }
    Ok(Ended::Well)
}

pub(super) async fn restore(
    options: &Restore,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let _jobs = job_lock(&loaded)?;
    let _lock = lock(&loaded)?;
    let place = loaded.store_path();
    let log = beside(&place, "-wal");
    let written = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    for (taken, there) in [(&place, place.exists()), (&log, written)] {
        if there {
            return Err(Failure::BadInput(format!(
                "{} is there and is not overwritten; if it is not wanted any more, move it away together with the files \
                 {}-wal and {}-shm, and restore again",
                taken.display(),
                place.display(),
                place.display(),
            )));
        }
    }
    let failed = |error: canopy_store::OpenError| Failure::failed(&error);
    let found = prove(&options.file).await.map_err(failed)?;
    let key = key_for(&loaded, &options.file, environment)?;
    let copy = copy(&options.file, &place).await?;
    let written = prove(&copy).await.map_err(failed)?;
    if written != found {
        return Err(Failure::Failed(
            "the copy differs from the backup; nothing was put in place".into(),
        ));
    }
    let mark = beside(&copy, ".mark");
    forgets(&copy, &key, &mark).await?;
    // A reader leaves them behind, with nothing in them; they belong to no store that is there.
    for left in [log, beside(&place, "-shm")] {
        if left.exists() {
            std::fs::remove_file(&left).map_err(|error| Failure::failed(&error))?;
        }
    }
    keep(copy, &place)?;
    // Until then the former store's mark says that this one is older.
    std::fs::rename(&mark, mark_path(&loaded)).map_err(|error| Failure::failed(&error))?;
    report("restored", &place, &found, options.json)?;
    if !options.json {
        eprintln!("{}", forgotten(&loaded));
    }
    Ok(Ended::Well)
}

/// What is said of the purchases that a backup does not know.
fn forgotten(loaded: &Loaded) -> String {
    let newer = "If the newer store can still be read: `canopy ledger export` there and `canopy ledger import FILE` here";
    let mut connections = loaded.config.connection.iter();
    if !connections.any(|one| one.ecologi.username.is_some()) {
        return format!(
            "what was bought since the backup is not in it, and without `ecologi.username` nothing can tell it: real purchases wait for your word, `canopy ledger acknowledge` where nothing was. {newer}"
        );
    }
    let delay = polls::signed(loaded.config.purchases.report_delay);
    format!(
        "what was bought since the backup is not in it, so real purchases wait until Ecologi's totals show all of it \
         ({delay:#} from now), and then go on by themselves where they agree with the ledger; `canopy ledger reconcile` \
         compares now. {newer}"
    )
}

/// Copies a store next to where the copy goes, so that it can be given its name at one stroke.
async fn copy(from: &Path, to: &Path) -> Result<TempPath, Failure> {
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = tempfile::Builder::new()
        .prefix(".canopy-copy-")
        .tempfile_in(folder)
        .map_err(|error| {
            Failure::BadInput(format!("{} cannot be written: {error}", to.display()))
        })?;
    // Empty, and readable by its owner only: SQLite fills it and keeps its mode.
    let path = file.into_temp_path();
    snapshot(from, &path)
        .await
        .map_err(|error| Failure::failed(&error))?;
    Ok(path)
}

/// Opens it as `canopy run` does: with the key, to write, and brought up to date.
async fn opens(copy: &Path, key: &SecretKey) -> Result<(), Failure> {
    let store = SqliteStore::open(copy, key)
        .await
        .map_err(|error| Failure::opening(&error))?;
    store.close().await;
    Ok(())
}

/// Opens it, and notes in it that it is a copy which may have forgotten purchases.
async fn forgets(copy: &Path, key: &SecretKey, mark: &Path) -> Result<(), Failure> {
    let store = SqliteStore::open(copy, key)
        .await
        .map_err(|error| Failure::failed(&error))?;
    let noted = async {
        let how = "it was restored from a backup";
        Copied::note(&store, how, true, &SystemClock).await?;
        store.follow(mark).await
    };
    let noted = noted.await;
    store.close().await;
    noted.map_err(|error| Failure::failed(&error))
}

fn key_for(
    loaded: &Loaded,
    backup: &Path,
    environment: &Environment,
) -> Result<SecretKey, Failure> {
    config::store_key(backup, &loaded.config, &loaded.folder, environment)
}

fn must_be_free(file: &Path) -> Result<(), Failure> {
    if file.exists() {
        return Err(Failure::BadInput(format!(
            "{} is there already and is not overwritten; name another file",
            file.display()
        )));
    }
    Ok(())
}

/// Makes a proved copy durable and gives it its name.
fn keep(copy: TempPath, file: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::Failed(format!("{} cannot be written: {error}", file.display()))
    };
    std::fs::File::open(&copy)
        .and_then(|copy| copy.sync_all())
        .map_err(failed)?;
    copy.persist_noclobber(file)
        .map_err(|error| failed(error.error))?;
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn report(done: &str, file: &Path, found: &Inventory, as_json: bool) -> Result<Ended, Failure> {
    if as_json {
        return output::line(&json!({ "file": file, "proved": true, "holds": found }));
    }
    let mut text = format!(
        "{done}: {}\n  events {:>12}\n  runs {:>14}\n  profiles {:>10}\n  purchases {:>9}  real\n  simulated {:>9}  in test mode\n",
        file.display(),
        found.events,
        found.runs,
        found.profiles,
        found.purchases,
        found.simulated
    );
    for sum in &found.confirmed {
        let mode = if sum.test { "test" } else { "real" };
        let amount = format!("{:.2}", sum.amount);
        let _ = writeln!(text, "  {mode} {amount:>14} {}", sum.currency);
    }
    output::text(&text)
}
