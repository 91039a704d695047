//! Meta's error codes: the HTTP status and the title each comes with.

use http::StatusCode;

const CODES: &[(i64, u16, &str)] = &[
    (0, 401, "AuthException"),
    (1, 400, "An unknown error occurred"),
    (2, 503, "Service temporarily unavailable"),
    (3, 500, "Application does not have the capability to make this API call."),
    (4, 400, "Application request limit reached"),
    (10, 403, "Application does not have permission for this action"),
    (33, 400, "Parameter value is not valid"),
    (100, 400, "Invalid parameter"),
    (104, 400, "An access token is required to request this resource."),
    (190, 401, "Invalid OAuth access token"),
    (200, 403, "You do not have the necessary permissions to perform this action on this object"),
    (368, 403, "Temporarily blocked for policies violations"),
    (80007, 400, "Rate limit issues"),
    (130403, 400, "The business has blocked this user"),
    (130429, 400, "Rate limit hit"),
    (130472, 400, "User's number is part of an experiment"),
    (130497, 403, "Business account is restricted from messaging users in this country."),
    (131000, 500, "Something went wrong"),
    (131005, 403, "Access denied"),
    (131008, 400, "Required parameter is missing"),
    (131009, 400, "Parameter value is not valid"),
    (131016, 500, "Service unavailable"),
    (131021, 400, "Recipient cannot be sender"),
    (131026, 400, "Message undeliverable"),
    (131030, 400, "Recipient phone number not in allowed list"),
    (131031, 403, "Business Account locked"),
    (131037, 400, "WhatsApp provided number needs display name approval before message can be sent."),
    (131042, 400, "Business eligibility payment issue"),
    (131045, 500, "Incorrect certificate"),
    (131047, 400, "Re-engagement message"),
    (131048, 400, "Spam rate limit hit"),
    (131049, 400, "This message was not delivered to maintain healthy ecosystem engagement."),
    (131050, 400, "User has stopped receiving marketing messages"),
    (131051, 400, "Unsupported message type"),
    (131052, 400, "Media download error"),
    (131053, 400, "Media upload error"),
    (131055, 400, "Method not allowed"),
    (131056, 400, "(Business Account, Consumer Account) pair rate limit hit"),
    (131057, 500, "Account in maintenance mode"),
    (131060, 400, "This message is currently unavailable"),
    (131062, 400, "Business-scoped user ID recipients are not supported for this message"),
    (131063, 400, "Marketing messages must be sent through the Marketing Messages API"),
    (131064, 400, "Message classification limit reached"),
    (132000, 400, "Number of parameters does not match the expected number of params"),
    (132001, 404, "Template name does not exist in the translation"),
    (132005, 400, "Translated text too long"),
    (132007, 400, "Template content policy violated"),
    (132012, 400, "Parameter format does not match format in the created template"),
    (132015, 400, "Template is paused"),
    (132016, 400, "Template is disabled"),
    (132018, 400, "There is an issue with the parameters of this template"),
    (132068, 400, "Flow is in blocked state"),
    (132069, 400, "Flow is in throttled state"),
    (133000, 500, "Incomplete deregistration"),
    (133004, 503, "Server temporarily unavailable"),
    (133005, 400, "Two-step verification PIN mismatch"),
    (133006, 400, "Phone number re-verification needed"),
    (133008, 400, "Too many two-step verification PIN guesses"),
    (133009, 400, "Two-step verification PIN guessed too fast"),
    (133010, 400, "Phone number not registered"),
    (133015, 400, "Please wait a few minutes before attempting to register this phone number"),
    (133016, 400, "Account register deregister rate limit exceeded"),
    (134011, 400, "WhatsApp payments terms of service has not been accepted"),
    (134100, 400, "Only marketing messages are supported"),
    (134101, 400, "Template is syncing"),
    (134102, 500, "Template unavailable for use"),
    (135000, 400, "Generic user error"),
    (136024, 400, "Request code error"),
    (136025, 400, "Verify code error"),
    (137000, 400, "Identity key hash mismatch"),
    (139100, 400, "Failed to block some users"),
    (139101, 400, "Block list limit reached"),
    (139102, 400, "Block list concurrent update"),
    (139103, 400, "Internal error"),
    (139200, 400, "Direct Send access blocked"),
    (147001, 400, "Username is not available"),
    (147002, 400, "Username is not valid"),
    (147003, 400, "Username cannot be changed"),
    (147004, 400, "Username cannot be removed"),
    (2494100, 400, "Phone number in maintenance mode"),
    (2593107, 400, "Synchronization was already requested"),
    (2593108, 400, "Synchronization is no longer possible"),
    (2593109, 400, "History sync is turned off by the business from the WhatsApp Business App"),
];

/// Meta answers most refusals with 400, throttling included.
pub(crate) fn http_status(code: i64) -> StatusCode {
    let status = find(code).map_or(400, |(_, status, _)| *status);
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
}

pub(crate) fn title(code: i64) -> Option<&'static str> {
    find(code).map(|(_, _, title)| *title)
}

fn find(code: i64) -> Option<&'static (i64, u16, &'static str)> {
    CODES.iter().find(|(known, ..)| *known == code)
}
