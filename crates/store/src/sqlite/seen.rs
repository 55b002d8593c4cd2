//! The content that a contact's newest event showed.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fault::Op;
use super::fence::Held;
use super::row::micros;

pub(super) async fn put(held: &mut Held<'_>, record: &str, hash: &str, now: Timestamp) -> Op<()> {
    sqlx::query(
        "INSERT INTO seen_contents (location, record, hash, updated_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (location, record) DO UPDATE SET hash = excluded.hash, updated_at = excluded.updated_at",
    )
    .bind(&held.fence.location)
    .bind(record)
    .bind(hash)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

pub(super) async fn get(
    connection: &mut SqliteConnection,
    location: &str,
    record: &str,
) -> Op<Option<String>> {
    let query = "SELECT hash FROM seen_contents WHERE location = ?1 AND record = ?2";
    let hash = sqlx::query_scalar(query).bind(location).bind(record);
    Ok(hash.fetch_optional(connection).await?)
}
