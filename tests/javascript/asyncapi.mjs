// Reads an AsyncAPI document; says what its parser finds in it, as JSON.
// Usage: node asyncapi.mjs FILE
import { fromFile, Parser } from '@asyncapi/parser';

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
const complaints = diagnostics
  .map((each) => ({ severity: each.severity, text: `${each.path.join('.')}: ${each.message}` }));
const channels = (document?.allChannels().all() ?? []).map((each) => each.address());
const operations = (document?.allOperations().all() ?? []).map((each) => `${each.action()} ${each.id()}`);
const payload = document?.allMessages().all()[0]?.payload()?.json() ?? null;
console.log(JSON.stringify({ version: document?.version() ?? null, complaints, channels, operations, payload }));
