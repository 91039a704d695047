"""What a Python team would write: hmac, and boto3's client for SQS. AWS's own runtime interface client runs it."""

import hashlib
import hmac
import os

import boto3

SECRET = os.environ["META_APP_SECRET"].encode()
QUEUE = os.environ["QUEUE_URL"]
GROUP = os.environ["QUEUE_GROUP"]
SQS = boto3.client("sqs")


def receive(event, _context):
    body = event["body"]
    signature = event["headers"].get("x-hub-signature-256", "").removeprefix("sha256=")
    expected = hmac.new(SECRET, body.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, expected):
        return {"statusCode": 401}
    SQS.send_message(QueueUrl=QUEUE, MessageGroupId=GROUP, MessageDeduplicationId=signature, MessageBody=body)
    return {"statusCode": 200}
