// Another issuer, the harbour, whose files `harbour` made before the service began (YUFU_HARBOUR): its passes, and its status
// list, served from here and as old as a test wants it.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createHeaderAndPayload, StatusList } from '@sd-jwt/jwt-status-list'
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import * as jose from 'jose'
import { holderKey, signer } from './peer.mjs'

/** An issuer may keep its lists on its own host, which is this machine. */
const ISSUER = 'https://127.0.0.1/harbour'
const TYPE = 'https://harbour.example/types/pass'

const seconds = () => Math.floor(Date.now() / 1000)

/** Opens the harbour's list on a port of this machine. `age` is how many seconds ago it says it was made. */
export async function harbour() {
  const folder = process.env.YUFU_HARBOUR
  const key = await jose.importPKCS8(readFileSync(join(folder, 'leaf.key'), 'utf8'), 'ES256')
  const x5c = [readFileSync(join(folder, 'leaf.pem'), 'utf8').replace(/-----[^-]+-----|\s/g, '')]
  const own = { age: 5, asked: 0 }
  let uri
  const list = async () => {
    const made = seconds() - own.age
    const { header, payload } = createHeaderAndPayload(
      new StatusList(new Array(4096).fill(0), 2),
      { iss: ISSUER, sub: uri, iat: made, exp: made + 86400, ttl: 43200 },
      { alg: 'ES256', typ: 'statuslist+jwt', x5c },
    )
    return new jose.SignJWT(payload).setProtectedHeader(header).sign(key)
  }
  const server = createServer(async (_, answer) => {
    own.asked += 1
    answer.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).end(await list())
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  uri = `http://127.0.0.1:${server.address().port}/lists/1`

  /** A pass for a new holder; what a wallet holds. */
  own.pass = async () => {
    const holder = await holderKey('ES256')
    const issuer = new SDJwtVcInstance({ hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt, signAlg: 'ES256', signer: signer('ES256', key) })
    const status = { status_list: { idx: 7, uri } }
    const claims = { iss: ISSUER, vct: TYPE, iat: seconds() - 60, nbf: seconds() - 60, exp: seconds() + 3600, cnf: { jwk: holder.publicJwk }, status, name: '林晓雨', berth: 'B 14' }
    return { card: await issuer.issue(claims, { _sd: ['name', 'berth'] }, { header: { x5c } }), key: holder }
  }
  own.close = () => server.close()
  return own
}
