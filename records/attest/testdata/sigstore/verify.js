// Verifies bundles with the public key, and prints the statement of each, a line
// each. It knows nothing of Orgo.
//
//   node verify.js KEY.pem BUNDLE...
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, Verifier } from '@sigstore/verify';

const [keyFile, ...files] = process.argv.slice(2);
const publicKey = createPublicKey(readFileSync(keyFile));
const trust = {
  certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [],
  publicKey: () => ({ publicKey, validFor: () => true }),
};
const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });

for (const file of files) {
  const bundle = bundleFromJSON(JSON.parse(readFileSync(file, 'utf8')));
  verifier.verify(toSignedEntity(bundle));
  console.log(bundle.content.dsseEnvelope.payload.toString('utf8'));
}
