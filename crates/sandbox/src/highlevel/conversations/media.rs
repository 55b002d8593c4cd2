//! Recordings of calls, and what was said in them.

use serde_json::json;

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::highlevel::access::Access::Location;
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("conversations/message.readonly");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/conversations/messages/{messageId}/locations/{locationId}/recording", Location, READ, recording),
    Route::new("GET", "/conversations/locations/{locationId}/messages/{messageId}/transcription", Location, READ, transcription),
    Route::new("GET", "/conversations/locations/{locationId}/messages/{messageId}/transcription/download", Location, READ, download),
];

/// Samples a second, of eight bits.
const RATE: u32 = 8000;

/// Silence, as long as a second of the call.
fn recording(world: &mut World, call: &Call<'_>) -> Handled {
    let message = call_of(world, call.argument(0))?;
    let seconds = message.number("callDuration").unwrap_or(0).min(1);
    let length = RATE * u32::try_from(seconds).unwrap_or(1);
    let mut wave = Vec::new();
    for part in [b"RIFF", &(36 + length).to_le_bytes(), b"WAVE", b"fmt "] {
        wave.extend_from_slice(part);
    }
    wave.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        wave.extend_from_slice(&half.to_le_bytes());
    }
    for rate in [RATE, RATE] {
        wave.extend_from_slice(&rate.to_le_bytes());
    }
    for half in [1_u16, 8] {
        wave.extend_from_slice(&half.to_le_bytes());
    }
    wave.extend_from_slice(b"data");
    wave.extend_from_slice(&length.to_le_bytes());
    wave.resize(wave.len() + length as usize, 128);
    Ok(Answer::download("audio/x-wav", wave))
}

/// All of it as one sentence.
fn transcription(world: &mut World, call: &Call<'_>) -> Handled {
    let message = call_of(world, call.argument(1))?;
    let seconds = message.number("callDuration").unwrap_or(0);
    Ok(Answer::ok(json!({
        "mediaChannel": 1, "sentenceIndex": 0, "startTime": 0, "endTime": seconds * 1000,
        "transcript": transcript(message)?, "confidence": 0.9,
    })))
}

fn download(world: &mut World, call: &Call<'_>) -> Handled {
    let text = transcript(call_of(world, call.argument(1))?)?.to_owned();
    Ok(Answer::download("text/plain; charset=utf-8", text))
}

/// A message that is a call; no other has a recording.
fn call_of<'w>(world: &'w World, id: &str) -> Result<&'w Record, Answer> {
    let message = world.records.messages.get(id)?;
    if message.has("messageType", "TYPE_CALL") {
        Ok(message)
    } else {
        Err(Answer::not_found("The message has no recording"))
    }
}

fn transcript(message: &Record) -> Result<&str, Answer> {
    let transcript = message.text("transcript");
    transcript.ok_or_else(|| Answer::not_found("The message has no transcription"))
}
