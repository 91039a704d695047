// What a Node team would write: whatsapp-api-js verifies and parses, AWS's client for SQS queues.

import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";
import { WhatsAppAPI } from "whatsapp-api-js";
import { NodeNext } from "whatsapp-api-js/setup/node";

import { run } from "./runtime.mjs";

const { META_APP_SECRET, QUEUE_URL, QUEUE_GROUP } = process.env;
const sqs = new SQSClient({});
const whatsapp = new WhatsAppAPI(NodeNext({ token: "none is needed to receive", appSecret: META_APP_SECRET }));

// It tells of the first message of the first change only, so the whole delivery is queued.
whatsapp.on.message = () => "a message";

await run(async (event) => {
  const signature = event.headers["x-hub-signature-256"];
  const told = await whatsapp.post(JSON.parse(event.body), event.body, signature);
  if (told !== "a message") return { statusCode: 500 };
  const deduplication = signature.slice("sha256=".length);
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: QUEUE_URL,
      MessageGroupId: QUEUE_GROUP,
      MessageDeduplicationId: deduplication,
      MessageBody: event.body,
    }),
  );
  return { statusCode: 200 };
});
