// All that an app in a browser may use besides, for its size.
import * as api from '../../src/index.ts'
import * as qr from '../../src/qr/index.ts'

Object.assign(globalThis, { api, qr })
