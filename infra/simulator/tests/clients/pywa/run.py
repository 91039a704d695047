"""pywa as its users use it, but for the base URL: what it sends is taken, what it is told it understands."""

import json
import os
import queue
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from pywa import WhatsApp, errors, types
from pywa.types import templates

SIMULATOR = os.environ["SIMULATOR"]
CUSTOMER = "15557770001"
SECRET = "simulated-app-secret"
PNG = b"\x89PNG\r\n\x1a\n and some pixels"


def control(path, body=None):
    """A control call."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SIMULATOR}/_sim/{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def client():
    """A client of the first business's first number; the base URL is the one thing changed."""
    state = control("state")
    system = next(token for token in state["tokens"] if token["kind"] == "system")
    wa = WhatsApp(
        phone_id=state["numbers"][0]["id"],
        waba_id=state["wabas"][0]["id"],
        token=system["token"],
        app_id=state["app"]["id"],
        app_secret=SECRET,
        filter_updates=False,
        # Two approvals within a second are told in the same words.
        skip_duplicate_updates=False,
    )
    wa.api._session.base_url = f"{SIMULATOR}/v25.0"
    return wa


class Updates:
    """Listens where webhooks go, gives them to pywa as a web framework would, and keeps what pywa makes of them."""

    def __init__(self, wa):
        self.kept = queue.Queue()
        for listen in (
            wa.on_message,
            wa.on_message_status,
            wa.on_callback_button,
            wa.on_callback_selection,
            wa.on_flow_completion,
            wa.on_phone_number_change,
            wa.on_template_status_update,
        ):
            listen(lambda _, update: self.kept.put(update))
        kept = self

        class Listener(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                refused = wa.webhook_update_validator(body, self.headers["x-hub-signature-256"])
                _, status = refused or wa.webhook_update_handler(body)
                kept.kept.put(ValueError(refused)) if refused else None
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Listener)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/webhooks"

    def next(self, kind):
        """The next update, which must be of this kind."""
        update = self.kept.get(timeout=10)
        assert isinstance(update, kind), f"{kind.__name__} expected, not {update!r}"
        return update

    def none_left(self):
        time.sleep(0.5)
        assert self.kept.empty(), self.kept.get()


def inbound(number, kind, content, **more):
    """The customer writes."""
    message = {"phone_number_id": number, "from": CUSTOMER, "name": "María", "type": kind, kind: content}
    return control("inbound", message | more)["wamids"][0]


def setup(wa, updates):
    control("app", {"require_proof": False, "callback_url": updates.url})
    assert wa.register_phone_number(pin="123456")
    assert wa.api._session.post(f"/{wa.waba_id}/subscribed_apps").json()["success"]


def messages(wa, updates):
    written = inbound(wa.phone_id, "text", {"body": "Olá"})
    message = updates.next(types.Message)
    assert (message.id, message.text, message.from_user.name) == (written, "Olá", "María")
    assert message.from_user.wa_id == CUSTOMER
    assert wa.mark_message_as_read(message.id) and wa.indicate_typing(message.id)

    sent = wa.send_message(CUSTOMER, "Hello", preview_url=True, reply_to_message_id=message.id, tracker="order 7")
    told = [updates.next(types.MessageStatus) for _ in range(3)]
    assert [status.status.name for status in told] == ["SENT", "DELIVERED", "READ"]
    assert all(status.id == sent.id and status.tracker == "order 7" for status in told)

    sends = [
        lambda: wa.send_image(CUSTOMER, PNG, caption="Look", mime_type="image/png"),
        lambda: wa.send_image(CUSTOMER, "https://example.com/a.jpg"),
        lambda: wa.send_video(CUSTOMER, "https://example.com/a.mp4"),
        lambda: wa.send_document(CUSTOMER, "https://example.com/a.pdf", filename="a.pdf", caption="Read"),
        lambda: wa.send_audio(CUSTOMER, "https://example.com/a.mp3"),
        lambda: wa.send_voice(CUSTOMER, "https://example.com/a.ogg"),
        lambda: wa.send_sticker(CUSTOMER, "https://example.com/a.webp"),
        lambda: wa.send_reaction(CUSTOMER, "👍", message.id),
        lambda: wa.remove_reaction(CUSTOMER, message.id),
        lambda: wa.send_location(CUSTOMER, 38.7, -9.1, name="Lisboa", address="Rossio"),
        lambda: wa.request_location(CUSTOMER, "Where are you?"),
        lambda: wa.send_contact(CUSTOMER, contact()),
        lambda: wa.send_catalog(CUSTOMER, "Our bread"),
        lambda: wa.send_message(CUSTOMER, "Yes?", buttons=[types.Button("Yes", "yes"), types.Button("No", "no")]),
        lambda: wa.send_message(CUSTOMER, "Open", buttons=types.URLButton("Open", "https://example.com")),
        lambda: wa.send_message(CUSTOMER, "Choose", header="Bread", footer="Daily", buttons=choices()),
        lambda: wa.send_template(CUSTOMER, "hello_world", templates.TemplateLanguage.ENGLISH_US),
    ]
    for send in sends:
        sent = send()
        statuses = [updates.next(types.MessageStatus) for _ in range(3)]
        assert {status.id for status in statuses} == {sent.id}
    updates.none_left()


def contact():
    name = types.Contact.Name(formatted_name="Ana Melo", first_name="Ana")
    return types.Contact(name=name, phones=[types.Contact.Phone(phone="+351 21 000 0000", type="WORK")])


def choices():
    rows = [types.SectionRow(title="Rye", callback_data="rye", description="Dark"), types.SectionRow("Corn", "corn")]
    return types.SectionList(button_title="Choose", sections=[types.Section(title="Bread", rows=rows)])


def received(wa, updates):
    """Every kind a customer can send is what pywa thinks it is."""
    number = wa.phone_id
    for kind, content in [
        ("image", {"caption": "Look"}),
        ("video", {}),
        ("audio", {"voice": True}),
        ("document", {"filename": "a.pdf"}),
        ("sticker", {"animated": False}),
    ]:
        inbound(number, kind, content)
        message = updates.next(types.Message)
        assert message.type.value == kind and message.has_media, message
        assert message.get_media_bytes()
    inbound(number, "location", {"latitude": 38.7, "longitude": -9.1, "name": "Lisboa"})
    assert updates.next(types.Message).location.name == "Lisboa"
    inbound(number, "contacts", [{"name": {"formatted_name": "Ana", "first_name": "Ana"}, "phones": [{"phone": "+1", "type": "CELL"}]}])
    assert updates.next(types.Message).contacts[0].name.first_name == "Ana"
    inbound(number, "reaction", {"message_id": "wamid.x", "emoji": "❤"})
    assert updates.next(types.Message).reaction.emoji == "❤"
    inbound(number, "order", {"catalog_id": "1", "text": "", "product_items": [
        {"product_retailer_id": "1", "quantity": 2, "item_price": 3.5, "currency": "EUR"}]})
    assert updates.next(types.Message).order.products[0].quantity == 2
    context = {"id": "wamid.x"}
    inbound(number, "button", {"payload": "stop", "text": "Stop"}, context=context)
    assert updates.next(types.CallbackButton).data == "stop"
    inbound(number, "interactive", {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}, context=context)
    assert updates.next(types.CallbackButton).data == "yes"
    reply = {"type": "list_reply", "list_reply": {"id": "rye", "title": "Rye", "description": "Dark"}}
    inbound(number, "interactive", reply, context=context)
    assert updates.next(types.CallbackSelection).data == "rye"
    flow = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{\"flow_token\": \"t\"}"}}
    inbound(number, "interactive", flow, context=context)
    assert updates.next(types.FlowCompletion).token == "t"
    system = {"body": "changed", "type": "user_changed_number", "wa_id": "15557770009"}
    inbound(number, "system", system, **{"from": "15557770005"})
    assert updates.next(types.PhoneNumberChange).new_wa_id == "15557770009"
    control("inbound", {"phone_number_id": number, "user_id": "US.13491208655302741918", "username": "maria", "name": "M",
                        "type": "text", "text": {"body": "by name"}})
    assert updates.next(types.Message).from_user.bsuid == "US.13491208655302741918"
    updates.none_left()


def media(wa):
    uploaded = wa.upload_media(PNG, mime_type="image/png", filename="a.png")
    link = wa.get_media_url(uploaded.id)
    assert (link.mime_type, int(link.file_size)) == ("image/png", len(PNG))
    assert wa.get_media_bytes(link.url) == PNG
    assert wa.delete_media(uploaded.id)
    try:
        wa.get_media_url(uploaded.id)
        raise AssertionError("a deleted file is still there")
    except errors.WhatsAppError as error:
        assert error.code == 100


def refusals(wa):
    """What is refused comes as the error pywa has for it.

    Not shown to it: a status that says failed. Meta sends no contacts with it, and pywa 4.5.0 cannot do without.
    """
    for expected, send in [
        (errors.ReEngagementMessage, lambda: wa.send_message("15557779999", "unasked")),
        (errors.TemplateNotExists, lambda: wa.send_template(CUSTOMER, "nothing", templates.TemplateLanguage.ENGLISH_US)),
        (errors.InvalidParameter, lambda: wa.send_message(CUSTOMER, "x" * 4097)),
    ]:
        try:
            send()
            raise AssertionError(f"{expected.__name__} was not raised")
        except expected:
            pass


def template_life(wa, updates):
    control("behaviour", {"review_ms": 0})
    template = templates.Template(
        name="order_update",
        category=templates.TemplateCategory.UTILITY,
        language=templates.TemplateLanguage.ENGLISH_US,
        parameter_format=templates.ParamFormat.NAMED,
        components=[
            templates.HeaderImage(example=PNG, mime_type="image/png"),
            body := templates.BodyText("Order {{number}} is on its way to you.", number="7"),
            templates.FooterText(text="Harbour Bakery"),
            templates.Buttons(buttons=[
                templates.QuickReplyButton(text="Stop"),
                link := templates.URLButton(text="Track", url="https://example.com/{{1}}", example="https://example.com/7"),
            ]),
        ],
    )
    created = wa.create_template(template)
    update = updates.next(types.TemplateStatusUpdate)
    assert (update.template_name, update.new_status.name) == ("order_update", "APPROVED")
    found = wa.get_template(created.id)
    assert (found.name, found.status.name, len(found.components)) == ("order_update", "APPROVED", 4)
    assert "order_update" in {one.name for one in wa.get_templates()}
    image = templates.HeaderImage.params(image="https://example.com/a.png")
    params = [image, body.params(number="7"), templates.QuickReplyButton.params(callback_data="stop", index=0), link.params(url_variable="7", index=1)]
    sent = wa.send_template(CUSTOMER, "order_update", templates.TemplateLanguage.ENGLISH_US, params)
    assert {updates.next(types.MessageStatus).id for _ in range(3)} == {sent.id}
    assert wa.update_template(created.id, new_components=[templates.BodyText("Order {{number}} is here now.", number="7")])
    updates.next(types.TemplateStatusUpdate)
    assert wa.delete_template("order_update")


def management(wa):
    picture = wa.update_business_profile(about="Bread", email="a@example.com", industry=types.Industry.GROCERY, websites=["https://example.com"], profile_picture=PNG)
    profile = wa.get_business_profile()
    assert picture and (profile.about, profile.industry, profile.websites) == ("Bread", types.Industry.GROCERY, ("https://example.com",))
    blocked = wa.block_users([CUSTOMER])
    assert blocked.added_users and CUSTOMER in {user.wa_id for user in wa.get_blocked_users()}
    assert wa.unblock_users([CUSTOMER]).removed_users
    code = wa.create_qr_code("Hi!")
    assert wa.get_qr_code(code.code).prefilled_message == "Hi!"
    assert wa.update_qr_code(code.code, "Hello!").prefilled_message == "Hello!"
    assert wa.delete_qr_code(code.code)
    assert wa.update_commerce_settings(is_catalog_visible=True) and wa.get_commerce_settings().is_catalog_visible
    commands = [types.Command(name="help", description="Get help")]
    assert wa.update_conversational_automation(ice_breakers=["Opening hours?"], commands=commands)
    assert wa.get_business_account().id == wa.waba_id
    assert {number.id for number in wa.get_business_phone_numbers()} >= {wa.phone_id}
    assert wa.get_business_phone_number().display_phone_number


def main():
    wa = client()
    updates = Updates(wa)
    setup(wa, updates)
    for part in (messages, received, template_life):
        part(wa, updates)
        print(f"pywa: {part.__name__} ok")
    for part in (refusals, media, management):
        part(wa)
        print(f"pywa: {part.__name__} ok")


main()
