// Makes session ids in the same alphabet and length as every other id. Not a secret, not a user id.

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export function newSessionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(13));
  return Array.from(bytes, (byte, i) => ALPHABET[i === 0 ? byte & 7 : byte & 31]).join('');
}
