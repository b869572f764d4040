// Reads each message with ajv (by the schema) and with the CloudEvents SDK; says what it found, as JSON.
// Usage: node validate.mjs SCHEMA MESSAGE...
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { HTTP } from 'cloudevents';

const [schema, ...messages] = process.argv.slice(2);
const ajv = new Ajv2020.default({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
addFormats.default(ajv);
const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')));

const found = messages.map((path) => {
  const body = readFileSync(path, 'utf8');
  const valid = validate(JSON.parse(body));
  const complaints = (validate.errors ?? []).map((each) => `${each.instancePath} ${each.message}`);
  let event = null;
  try {
    event = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body });
    event.validate();
    event = { id: event.id, type: event.type, subject: event.subject, time: event.time, data: event.data };
  } catch (error) {
    complaints.push(`CloudEvents: ${error.message}`);
  }
  return { valid, complaints, event };
});
console.log(JSON.stringify(found));
