// Prints each alert: those that Redis keeps, then those that come. Needs the package redis.
// Usage: node redis.mjs redis://127.0.0.1:6379 [ENTRY]
import { createClient } from 'redis';

const [url, since = '0'] = process.argv.slice(2);
const client = createClient({ url });
client.on('error', (error) => console.error(error.message)); // it connects again by itself
await client.connect();

let last = since;
while (true) {
  let found;
  try {
    found = await client.xRead({ key: 'framewarden:alerts', id: last }, { COUNT: 100, BLOCK: 5000 });
  } catch (error) {
    console.error(error.message);
    await new Promise((done) => setTimeout(done, 500));
    continue;
  }
  for (const { id, message } of found?.[0].messages ?? []) {
    const { data } = JSON.parse(message.body);
    console.log(`${data.stream} ${data.kind}/${data.label} ${data.state}: ${data.reason}`);
    last = id; // keep it somewhere, and start with it the next time
  }
}
