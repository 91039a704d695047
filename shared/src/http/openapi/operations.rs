//! What the route table does not say of a route: its name, what it takes, what it gives.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    domain::event::EventType,
    http::{
        access::{Health, KeyBody, NewKey, NewKeyBody, NewSession, NewSessionBody},
        accounts::{
            ChangeBody, Choice, DiagnosisBody, NewTemplate, PinBody, ProfileBody, ProfileChangeBody, Verification,
        },
        connections::{NewConnection, Options},
        inbox::{ContactChange, FeedBody, StatsBody},
        list::List,
        oauth::{Confirm, Deletion, DeletionStatus, PopupAnswer, Resume},
        send::{BatchBody, BatchMessage, MediaBody, NewMessage, ReadBody},
    },
    shown::{
        account::AccountBody,
        connection::{ConnectionBody, NumberRow},
        conversation::{ContactBody, ConversationBody, MessageBody},
        template::TemplateBody,
    },
};

pub(super) type Described = fn(&mut SchemaGenerator) -> Schema;

/// What success brings.
#[derive(Default)]
pub(super) enum Response {
    #[default]
    Nothing,
    Json(Described),
    File,
}

#[derive(Default)]
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) request: Option<Described>,
    /// The fields of a body that is a form.
    pub(super) form: &'static [&'static str],
    /// The fields of a body that is a form with a file: name, what it is.
    pub(super) parts: &'static [(&'static str, &'static str)],
    pub(super) response: Response,
    pub(super) is_list: bool,
    /// Parameters of the query: name, values, what it does.
    pub(super) query: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// It may be made to hold for one version only.
    pub(super) is_conditional: bool,
    /// It may be asked for under a key, and is then done once.
    pub(super) is_once: bool,
}

pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    fn takes<T: JsonSchema>(self) -> Self {
        Self { request: Some(of::<T>), ..self }
    }

    fn takes_form(self, form: &'static [&'static str]) -> Self {
        Self { form, ..self }
    }

    fn takes_file(self, parts: &'static [(&'static str, &'static str)]) -> Self {
        Self { parts, ..self }
    }

    fn gives_file(self) -> Self {
        Self { response: Response::File, ..self }
    }

    fn gives<T: JsonSchema>(self) -> Self {
        Self { response: Response::Json(of::<T>), ..self }
    }

    fn lists<T: JsonSchema>(self) -> Self {
        Self { response: Response::Json(of::<List<T>>), is_list: true, ..self }
    }

    fn asked(self, query: &'static [(&'static str, &'static [&'static str], &'static str)]) -> Self {
        Self { query, ..self }
    }

    fn conditional(self) -> Self {
        Self { is_conditional: true, ..self }
    }

    fn once(self) -> Self {
        Self { is_once: true, ..self }
    }
}

pub(super) fn operation(key: &str) -> Option<Operation> {
    of_access(key)
        .or_else(|| of_connections(key))
        .or_else(|| of_accounts(key))
        .or_else(|| of_inbox(key))
        .or_else(|| of_send(key))
        .or_else(|| of_browsers(key))
}

fn named(id: &'static str, summary: &'static str) -> Operation {
    Operation { id, summary, ..Operation::default() }
}

fn of_access(key: &str) -> Option<Operation> {
    Some(match key {
        "GET /v1/health" => {
            named("health", "Whether the service answers; details with an operator key").gives::<Health>()
        }
        "POST /v1/keys" => {
            named("createKey", "Make an operator key; it is shown once").takes::<NewKey>().gives::<NewKeyBody>()
        }
        "GET /v1/keys" => named("listKeys", "List keys, newest first").lists::<KeyBody>(),
        "DELETE /v1/keys/{id}" => named("revokeKey", "Revoke a key; its sessions end with it"),
        "POST /v1/sessions" => named("createSession", "Make a browser's session token; it is shown once")
            .takes::<NewSession>()
            .gives::<NewSessionBody>(),
        "DELETE /v1/sessions" => named("endOwnSession", "End the session that asks"),
        "DELETE /v1/sessions/{id}" => named("endSession", "End a session"),
        _ => return None,
    })
}

fn of_connections(key: &str) -> Option<Operation> {
    Some(match key {
        "GET /v1/connections/options" => {
            named("connectionOptions", "The ways to connect, and why one is not available").gives::<Options>()
        }
        "POST /v1/connections" => {
            named("createConnection", "Begin to connect numbers").takes::<NewConnection>().gives::<ConnectionBody>()
        }
        "GET /v1/connections" => named("listConnections", "List connections, newest first").lists::<ConnectionBody>(),
        "GET /v1/connections/{id}" => named("getConnection", "How far a connection has come").gives::<ConnectionBody>(),
        "DELETE /v1/connections/{id}" => {
            named("cancelConnection", "End a connection and undo what it began; its accounts stay")
        }
        "POST /v1/connections/{id}/confirm" => {
            named("confirmConnection", "Confirm that whoever came back from Meta is whoever left")
                .takes::<Confirm>()
                .gives::<ConnectionBody>()
        }
        "POST /v1/connections/{id}/code" => named("giveCode", "Hand over what Meta's popup gave the page")
            .takes::<PopupAnswer>()
            .gives::<ConnectionBody>(),
        "POST /v1/connections/{id}/resume" => {
            named("resumeConnection", "Go on with what failed or waits").takes::<Resume>().gives::<ConnectionBody>()
        }
        "GET /v1/connections/{id}/numbers" => {
            named("listNumbers", "The numbers that the permission really reaches, as Meta shows them now")
                .lists::<NumberRow>()
        }
        "POST /v1/connections/{id}/accounts" => {
            named("connectNumbers", "Connect these numbers").takes::<Choice>().gives::<ConnectionBody>()
        }
        "POST /v1/connections/{id}/numbers/{phone_number_id}/verification" => {
            named("verifyNumber", "Have a code sent to a number that nobody has verified, or enter it")
                .takes::<Verification>()
                .gives::<ConnectionBody>()
        }
        _ => return None,
    })
}

fn of_accounts(key: &str) -> Option<Operation> {
    Some(match key {
        "GET /v1/accounts" => named("listAccounts", "List connected numbers, newest first")
            .lists::<AccountBody>()
            .asked(&[("include", &["disconnected"], "Those that are disconnected too, after all others.")]),
        "GET /v1/accounts/{id}" => named("getAccount", "A connected number").gives::<AccountBody>(),
        "PATCH /v1/accounts/{id}" => {
            named("changeAccount", "Change what a number is called and used for; make it the default")
                .takes::<ChangeBody>()
                .gives::<AccountBody>()
                .conditional()
        }
        "DELETE /v1/accounts/{id}" => named("disconnectAccount", "Disconnect a number")
            .gives::<AccountBody>()
            .asked(&[("deregister", &["true", "false"], "Switch the number off at Meta, too.")])
            .conditional(),
        "POST /v1/accounts/{id}/refresh" => {
            named("refreshAccount", "Read again what Meta says of a number, and its templates").gives::<AccountBody>()
        }
        "GET /v1/accounts/{id}/diagnosis" => {
            named("diagnoseAccount", "What is wrong with a number, and what to do").gives::<DiagnosisBody>()
        }
        "POST /v1/accounts/{id}/repair" => {
            named("repairAccount", "Do again what may mend a number").gives::<DiagnosisBody>()
        }
        "GET /v1/accounts/{id}/profile" => {
            named("getProfile", "What people see of a business in WhatsApp, as Meta shows it now")
                .gives::<ProfileBody>()
        }
        "PATCH /v1/accounts/{id}/profile" => named("changeProfile", "Change what people see of a business")
            .takes::<ProfileChangeBody>()
            .gives::<ProfileBody>(),
        "GET /v1/accounts/{id}/templates" => named(
            "listTemplates",
            "List the templates of a number's WABA, by name; a page may be short and `next` still go on",
        )
        .lists::<TemplateBody>(),
        "POST /v1/accounts/{id}/templates" => {
            named("createTemplate", "Hand a template in; where tenants share the WABA, with an operator key only")
                .takes::<NewTemplate>()
                .gives::<TemplateBody>()
                .once()
        }
        "DELETE /v1/accounts/{id}/templates/{name}" => {
            named("deleteTemplate", "Delete a template; where tenants share the WABA, with an operator key only")
                .asked(&[("language", &[], "In this language only.")])
        }
        "PUT /v1/accounts/{id}/pin" => named("setPin", "Give the number's two-step PIN; it is never shown")
            .takes::<PinBody>()
            .gives::<AccountBody>(),
        _ => return None,
    })
}

type Asked = &'static [(&'static str, &'static [&'static str], &'static str)];

const OF_CONVERSATIONS: Asked = &[
    ("phone_number_id", &[], "Those of one number; also of one that was yours."),
    ("phone", &[], "Those with this phone, in any of the ways its country writes it."),
    ("q", &[], "Those with people whose name begins so."),
    ("unread", &["true", "false"], "Those with messages that nobody has read."),
];
const OF_MESSAGES: Asked = &[
    ("direction", &["inbound", "outbound"], "Which way they went."),
    ("type", &[], "Of this type."),
    ("status", &[], "Of this status."),
    ("since", &[], "From this time on, by Meta's clock."),
    ("until", &[], "Before this time, by Meta's clock."),
    RAW,
];
const RAW: (&str, &[&str], &str) = ("include", &["raw"], "Meta's own object, too.");

fn of_inbox(key: &str) -> Option<Operation> {
    Some(match key {
        "GET /v1/conversations" => {
            named("listConversations", "List conversations, newest first; a page may be short and `next` still go on")
                .lists::<ConversationBody>()
                .asked(OF_CONVERSATIONS)
        }
        "GET /v1/accounts/{id}/conversations" => named(
            "listAccountConversations",
            "List a number's conversations, newest first; a page may be short and `next` still go on",
        )
        .lists::<ConversationBody>()
        .asked(&OF_CONVERSATIONS[1..]),
        "GET /v1/conversations/{id}" => named("getConversation", "A conversation").gives::<ConversationBody>(),
        "GET /v1/conversations/{id}/messages" => {
            named("listMessages", "What was said, newest first; a page may be short and `next` still go on")
                .lists::<MessageBody>()
                .asked(OF_MESSAGES)
        }
        "GET /v1/messages/{id}" => {
            named("getMessage", "A message, by its id or URL-encoded wamid, or `wamid_` and the wamid in base64url")
                .gives::<MessageBody>()
                .asked(&[RAW])
        }
        "GET /v1/accounts/{id}/contacts" => named(
            "listContacts",
            "List the people a number knows, by phone; a page may be short and `next` still go on",
        )
        .lists::<ContactBody>(),
        "GET /v1/contacts/{id}" => named("getContact", "A person, as one number knows them").gives::<ContactBody>(),
        "PATCH /v1/contacts/{id}" => {
            named("changeContact", "Change what you keep of a person").takes::<ContactChange>().gives::<ContactBody>()
        }
        "DELETE /v1/contacts/{id}" => named(
            "eraseContact",
            "Erase a person: what was said with them, what is kept of them, and what leads to them",
        ),
        "GET /v1/accounts/{id}/media/{media_id}" => named(
            "downloadMedia",
            "A file of up to 4 MiB that somebody sent, or that was uploaded; pictures, sound and films keep their type, all \
             else is bytes to be kept",
        )
        .gives_file(),
        "GET /v1/accounts/{id}/stats" => {
            named("getStats", "How many messages there were, by hour or day").gives::<StatsBody>().asked(&[
                ("from", &[], "By default a day before, or 30 with granularity=day."),
                ("to", &[], "By default now."),
                ("granularity", &["hour", "day"], "By hour (31 days at most) or by day of UTC (366 at most)."),
            ])
        }
        "GET /v1/events" => Operation {
            is_list: true,
            ..named(
                "listEvents",
                "What changed, in its order: `next` is never null, poll with it; `after=now` begins at the end",
            )
        }
        .gives::<FeedBody>()
        .asked(&[("phone_number_id", &[], "Of this number alone."), ("type", EVENT_TYPES, "Of this type alone.")]),
        _ => return None,
    })
}

const EVENT_TYPES: &[&str] = &{
    let (mut names, mut place) = ([""; EventType::ALL.len()], 0);
    while place < names.len() {
        names[place] = EventType::ALL[place].as_str();
        place += 1;
    }
    names
};

fn of_send(key: &str) -> Option<Operation> {
    Some(match key {
        "POST /v1/messages" => named("sendMessageByDefault", "Send a message from the tenant's default number")
            .takes::<NewMessage>()
            .gives::<MessageBody>()
            .once(),
        "POST /v1/accounts/{id}/messages" => {
            named("sendMessage", "Send a message from a number").takes::<NewMessage>().gives::<MessageBody>().once()
        }
        "POST /v1/conversations/{id}/messages" => {
            named("answer", "Send a message in a conversation, which knows to whom")
                .takes::<NewMessage>()
                .gives::<MessageBody>()
                .once()
        }
        "POST /v1/accounts/{id}/messages/batch" => {
            named("sendBatch", "Send one message to up to a thousand people; whoever cannot have it stops nobody else")
                .takes::<BatchMessage>()
                .gives::<BatchBody>()
                .once()
        }
        "POST /v1/contacts/{id}/block" => named(
            "blockContact",
            "Keep a person from writing to the number; Meta takes only those who wrote within the last day",
        )
        .gives::<ContactBody>(),
        "DELETE /v1/contacts/{id}/block" => named("unblockContact", "Let a person write to the number again"),
        "POST /v1/accounts/{id}/media" => named("uploadMedia", "Upload a file of up to 4 MiB, to be sent by its id")
            .takes_file(&[
                ("file", "The file; what its bytes are counts."),
                ("kind", "What it is to be sent as: audio, document, image, sticker, video or voice."),
                ("type", "Its MIME type, where the file's part does not say it."),
            ])
            .gives::<MediaBody>()
            .once(),
        "DELETE /v1/messages/{id}" => {
            named("cancelMessage", "Keep a message from going out, unless a try has begun").gives::<MessageBody>()
        }
        "POST /v1/conversations/{id}/read" => {
            named("markRead", "Mark a conversation as read, here and at WhatsApp; the body may be left out")
                .takes::<ReadBody>()
                .gives::<ConversationBody>()
        }
        _ => return None,
    })
}

/// What browsers and Meta itself ask for.
fn of_browsers(key: &str) -> Option<Operation> {
    Some(match key {
        "GET /oauth/start/{ticket}" => named("openStart", "Where a connection's start_url leads: on to Meta"),
        "GET /oauth/callback" => named("returnFromMeta", "Where Meta sends the browser back to").asked(&[
            ("state", &[], "Whose visit it was."),
            ("code", &[], "Meta's permission."),
            ("error", &[], "Or that there is none."),
        ]),
        "GET /oauth/connections/{id}" => {
            named("connectionPage", "The page of a connection that no dashboard awaits, for the browser that made it")
        }
        "POST /oauth/connections/{id}" => named("actOnConnectionPage", "What its form sends").takes_form(&[
            "form",
            "action",
            "phone_number_id",
            "pin",
        ]),
        "POST /oauth/deauthorize" => {
            named("deauthorize", "Meta tells that somebody has removed the app").takes_form(&["signed_request"])
        }
        "POST /oauth/data-deletion" => named("deleteData", "Meta tells that somebody wants to be forgotten")
            .takes_form(&["signed_request"])
            .gives::<Deletion>(),
        "GET /oauth/data-deletion/{code}" => {
            named("dataDeletionStatus", "That it was done: a page, or JSON where asked").gives::<DeletionStatus>()
        }
        "GET /webhooks/whatsapp" => {
            named("confirmWebhook", "Meta's handshake: the challenge, as text, for whoever knows the verify token")
                .asked(&[
                    ("hub.mode", &["subscribe"], "What Meta wants."),
                    ("hub.verify_token", &[], "As it was entered at Meta."),
                    ("hub.challenge", &[], "What to answer."),
                ])
        }
        "POST /webhooks/whatsapp" => {
            named("receiveWebhook", "Meta's deliveries, signed in `X-Hub-Signature-256`; 200 once they are stored")
        }
        _ => return None,
    })
}
