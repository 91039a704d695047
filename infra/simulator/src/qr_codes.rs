//! `/{number}/message_qrdls`: links and QR codes that open a chat with a text written already.

use serde_json::json;

use crate::chance;
use crate::graph::{Answer, Call, GraphError, Node, Outcome, page_of};
use crate::meta::Meta;
use crate::world::QrCode;

const LONGEST_MESSAGE: usize = 140;
const MOST: usize = 2000;
const DEFAULTS: &[&str] = &["code", "prefilled_message", "deep_link_url"];

/// All, or the one of a code: that too is a list.
pub(crate) fn list(meta: &Meta, call: &Call, number: &str, code: Option<&str>) -> Outcome {
    let nodes: Vec<(String, Node)> = meta.read(|world| {
        let own = world.qr_codes.iter().filter(|(_, row)| row.phone_number_id == number);
        let wanted = own.filter(|(key, _)| code.is_none_or(|code| code == *key));
        wanted.map(|(key, row)| (key.to_owned(), node(key, row))).collect()
    });
    page_of(call, nodes)
}

/// Creates one, or with `code` changes its text.
pub(crate) fn put(meta: &Meta, call: &Call, number: &str) -> Outcome {
    let message = call.params.required("prefilled_message")?;
    if message.chars().count() > LONGEST_MESSAGE {
        let details = format!("Param prefilled_message must be at most {LONGEST_MESSAGE} characters long.");
        return Err(GraphError::invalid(details));
    }
    let format = call.params.text("generate_qr_image").map(|format| format.to_ascii_uppercase());
    if format.as_ref().is_some_and(|format| !matches!(format.as_str(), "SVG" | "PNG")) {
        return Err(GraphError::new(100, "(#100) Param generate_qr_image must be one of {SVG, PNG}."));
    }
    let (code, row) = meta.change(|world| {
        let (code, created_at) = match call.params.text("code") {
            Some(code) => {
                let row = world.qr_codes.get(&code).filter(|row| row.phone_number_id == number);
                let created_at = row.map(|row| row.created_at).ok_or_else(no_such_code)?;
                (code, created_at)
            }
            None if world.qr_codes.values().filter(|row| row.phone_number_id == number).count() >= MOST => {
                return Err(GraphError::invalid(format!("A phone number can have at most {MOST} QR codes.")));
            }
            None => (new_code(), call.now),
        };
        let row = QrCode { phone_number_id: number.to_owned(), prefilled_message: message.clone(), created_at };
        world.qr_codes.put(code.clone(), row.clone());
        Ok::<_, GraphError>((code, row))
    })?;
    let mut answer =
        json!({"code": code, "prefilled_message": row.prefilled_message, "deep_link_url": deep_link(&code)});
    if let Some(format) = format {
        answer["qr_image_url"] = image(&code, &format).into();
    }
    Ok(Answer::json(answer))
}

pub(crate) fn delete(meta: &Meta, number: &str, code: &str) -> Outcome {
    meta.change(|world| {
        let is_own = world.qr_codes.get(code).is_some_and(|row| row.phone_number_id == number);
        if !is_own {
            return Err(no_such_code());
        }
        world.qr_codes.remove(code);
        Ok(Answer::success())
    })
}

fn node(code: &str, row: &QrCode) -> Node {
    let fields = json!({
        "code": code,
        "prefilled_message": row.prefilled_message,
        "deep_link_url": deep_link(code),
        "qr_image_url": image(code, "SVG"),
        "creation_time": row.created_at,
    });
    Node::new("WhatsAppMessageQrCode", DEFAULTS, fields)
}

/// Fourteen letters of base 32, as Meta's are.
fn new_code() -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    chance::bytes::<14>().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).iter().collect()
}

fn deep_link(code: &str) -> String {
    format!("https://wa.me/message/{code}")
}

/// Where Meta would serve the picture; nobody does here.
fn image(code: &str, format: &str) -> String {
    format!("https://scontent.xx.fbcdn.net/m1/v/t6/{code}.{}", format.to_ascii_lowercase())
}

fn no_such_code() -> GraphError {
    let text = "The QR code you're trying to reach doesn't exist or has already been deleted";
    GraphError::new(803, "QR code not found")
        .of_method()
        .status(http::StatusCode::NOT_FOUND)
        .for_people("QR Code Not Found", text)
}
