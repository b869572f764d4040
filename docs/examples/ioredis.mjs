// Prints each alert as it comes, by pub/sub, and reads from the Redis Stream what was missed. Needs ioredis.
// Usage: node ioredis.mjs redis://127.0.0.1:6379 [ENTRY]
import Redis from 'ioredis';

const [url, since = '0'] = process.argv.slice(2);
const redis = new Redis(url); // both connect again by themselves
const listener = new Redis(url);
for (const each of [redis, listener]) each.on('error', (error) => console.error(error.message));

const sequences = new Map(); // the last number of each stream
const ahead = new Set(); // ids of messages shown that lie behind our place in the Redis Stream
let last = since;
let asked = false;
let reading = false;

function show({ data }) {
  sequences.set(data.stream, data.sequence);
  console.log(`${data.stream} ${data.kind}/${data.label} ${data.state}: ${data.reason}`);
}

// All that the Stream has after our place; what pub/sub brought already is passed over.
async function catchUp() {
  asked = true;
  if (reading) return;
  reading = true;
  while (asked) {
    asked = false;
    let found;
    do {
      try {
        found = await redis.xread('COUNT', 100, 'STREAMS', 'framewarden:alerts', last);
      } catch (error) {
        console.error(error.message);
        await new Promise((done) => setTimeout(done, 500));
        asked = true;
        break;
      }
      for (const [entry, fields] of found?.[0][1] ?? []) {
        last = entry;
        const event = JSON.parse(fields[fields.indexOf('body') + 1]);
        if (!ahead.delete(event.id)) show(event);
      }
    } while (found);
  }
  reading = false;
}

listener.on('pmessage', (pattern, channel, message) => {
  const event = JSON.parse(message);
  const next = (sequences.get(event.data.stream) ?? NaN) + 1;
  if (!reading && ahead.size < 1000 && event.data.sequence === next) {
    ahead.add(event.id);
    show(event);
  } else catchUp(); // a number was left out, or this stream is new to us
});
listener.on('ready', catchUp); // also each time it was connected anew
await listener.psubscribe('framewarden:alerts:*');
await catchUp();
