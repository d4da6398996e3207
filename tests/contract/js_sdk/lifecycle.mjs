// What a JavaScript program does with a digital twins instance, through the official SDK.
// Usage: node lifecycle.mjs <folder with the SDK in its node_modules> <URL of the instance> <name of an endpoint>
// NODE_EXTRA_CA_CERTS must name the authority of the instance's certificate.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'

const [folder, url, endpoint] = process.argv.slice(2)
const require = createRequire(path.join(folder, 'package.json'))
const { DigitalTwinsClient } = require('@azure/digital-twins-core')

const credential = { getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }) }
const client = new DigitalTwinsClient(url, credential)

const context = 'dtmi:dtdl:context;2'
const SENSOR = {
  '@context': context,
  '@id': 'dtmi:example:Sensor;1',
  '@type': 'Interface',
  displayName: 'Sensor',
  contents: [
    { '@type': 'Property', name: 'reading', schema: 'double' },
    { '@type': 'Telemetry', name: 'noise', schema: 'double' },
  ],
}
const ROOM = {
  '@context': context,
  '@id': 'dtmi:example:Room;1',
  '@type': 'Interface',
  displayName: { en: 'Room', de: 'Raum' },
  contents: [
    { '@type': 'Property', name: 'temperature', schema: 'double' },
    { '@type': 'Property', name: 'label', schema: 'string' },
    { '@type': 'Component', name: 'sensor', schema: 'dtmi:example:Sensor;1' },
    {
      '@type': 'Relationship',
      name: 'leadsTo',
      target: 'dtmi:example:Room;1',
      properties: [{ '@type': 'Property', name: 'width', schema: 'integer' }],
    },
  ],
}
const roomTwin = (temperature) => ({
  $metadata: { $model: ROOM['@id'] },
  temperature,
  sensor: { $metadata: {}, reading: 1 },
})

async function all(items) {
  const found = []
  for await (const item of items) found.push(item)
  return found
}

// The SDK leaves the shape of an error to the HTTP layer: the status, and the service's own error as the parsed body.
async function fails(promise, status, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.statusCode, status)
    assert.equal(error.response.parsedBody?.error?.code ?? JSON.parse(error.response.bodyAsText).error.code, code)
    return true
  })
}

await test('models are created, listed page by page, and read with their definition', async () => {
  const created = await client.createModels([SENSOR, ROOM])
  assert.deepEqual(created.map((model) => model.id), [SENSOR['@id'], ROOM['@id']])
  assert.deepEqual(created[1].displayName, { en: 'Room', de: 'Raum' })
  assert.ok(created[0].uploadTime instanceof Date)
  const pages = await all(client.listModels(undefined, true).byPage({ maxPageSize: 1 }))
  assert.deepEqual(pages.map((page) => page.value.map((model) => model.id)), [[SENSOR['@id']], [ROOM['@id']]])
  assert.deepEqual(pages[1].value[0].model, ROOM)
  assert.deepEqual((await all(client.listModels([SENSOR['@id']]))).map((model) => model.id), [SENSOR['@id']])
  assert.deepEqual((await client.getModel(ROOM['@id'], true)).model, ROOM)
  assert.equal((await client.getModel(ROOM['@id'])).model, undefined)
})

await test('models that exist, are unknown or are no DTDL are refused', async () => {
  await fails(client.createModels([SENSOR]), 409, 'ModelIdAlreadyExists')
  await fails(client.getModel('dtmi:example:Nothing;1'), 404, 'ModelNotFound')
  await fails(client.createModels([{ '@id': 'dtmi:example:Broken;1' }]), 400, 'DTDLParserError')
})

await test('a twin is created, read and replaced', async () => {
  const created = await client.upsertDigitalTwin('hall 1', JSON.stringify(roomTwin(20.5)))
  assert.equal(created.body.$dtId, 'hall 1')
  assert.equal(created.etag, created.body.$etag)
  const read = await client.getDigitalTwin('hall 1')
  assert.deepEqual(read.body, created.body)
  assert.equal(read.etag, created.etag)
  const replaced = await client.upsertDigitalTwin('hall 1', JSON.stringify(roomTwin(21)))
  assert.notEqual(replaced.etag, created.etag)
  await fails(
    client.upsertDigitalTwin('hall 1', JSON.stringify(roomTwin(1)), { ifNoneMatch: '*' }), 412, 'PreconditionFailed')
})

await test('a twin is patched under its etag, and a stale one is a conflict', async () => {
  const before = (await client.getDigitalTwin('hall 1')).etag
  const patch = [{ op: 'replace', path: '/temperature', value: 22 }, { op: 'add', path: '/label', value: 'Hall' }]
  const patched = await client.updateDigitalTwin('hall 1', patch, { ifMatch: before })
  assert.equal(patched._response.status, 204)
  const { body, etag } = await client.getDigitalTwin('hall 1')
  assert.equal(patched.etag, etag)
  assert.deepEqual([body.temperature, body.label], [22, 'Hall'])
  await fails(client.updateDigitalTwin('hall 1', patch, { ifMatch: before }), 412, 'PreconditionFailed')
  await fails(client.deleteDigitalTwin('hall 1', { ifMatch: before }), 412, 'PreconditionFailed')
  await fails(
    client.updateDigitalTwin('hall 1', [{ op: 'replace', path: '/temperature', value: 'hot' }]), 400, 'ValidationFailed')
  await fails(client.updateDigitalTwin('hall 1', [{ op: 'remove', path: '/nothing' }]), 400, 'JsonPatchInvalid')
})

await test('a component is read and patched', async () => {
  assert.equal((await client.getComponent('hall 1', 'sensor')).body.reading, 1)
  const { etag } = await client.getDigitalTwin('hall 1')
  const patch = [{ op: 'replace', path: '/reading', value: 2.5 }]
  const patched = await client.updateComponent('hall 1', 'sensor', patch, { ifMatch: etag })
  assert.notEqual(patched.etag, etag)
  assert.equal((await client.getComponent('hall 1', 'sensor')).body.reading, 2.5)
  await fails(client.updateComponent('hall 1', 'sensor', patch, { ifMatch: etag }), 412, 'PreconditionFailed')
  await fails(client.getComponent('hall 1', 'nothing'), 404, 'ComponentNotFound')
})

await test('relationships are created, read, patched and listed over several pages from both ends', async () => {
  await client.upsertDigitalTwin('yard', JSON.stringify(roomTwin(5)))
  const ids = Array.from({ length: 23 }, (_, number) => `door-${number}`)
  for (const id of ids) {
    await client.upsertRelationship('hall 1', id, { $relationshipName: 'leadsTo', $targetId: 'yard', width: 90 })
  }
  const { body, etag } = await client.getRelationship('hall 1', 'door-7')
  assert.deepEqual([body.$sourceId, body.$targetId, body.width, body.$etag], ['hall 1', 'yard', 90, etag])
  const patch = [{ op: 'replace', path: '/width', value: 100 }]
  await client.updateRelationship('hall 1', 'door-7', patch, { ifMatch: etag })
  assert.equal((await client.getRelationship('hall 1', 'door-7')).body.width, 100)
  await fails(client.updateRelationship('hall 1', 'door-7', patch, { ifMatch: etag }), 412, 'PreconditionFailed')
  const listed = await all(client.listRelationships('hall 1'))
  assert.deepEqual(listed.map((relationship) => relationship.$relationshipId).sort(), ids.toSorted())
  const incoming = await all(client.listIncomingRelationships('yard').byPage())
  assert.deepEqual(incoming.map((page) => page.value.length), [10, 10, 3])
  const first = incoming[0].value[0]
  assert.equal(first.sourceId, 'hall 1')
  assert.equal(first.relationshipName, 'leadsTo')
  assert.ok(first.relationshipLink.startsWith(`${url}/digitaltwins/hall%201/relationships/${first.relationshipId}`))
})

await test('relationships that cannot be are refused, and so is the end of a twin that has some', async () => {
  await fails(
    client.upsertRelationship('hall 1', 'x', { $relationshipName: 'unheard', $targetId: 'yard' }),
    400, 'InvalidRelationship')
  await fails(client.getRelationship('hall 1', 'nothing'), 404, 'RelationshipNotFound')
  await fails(client.deleteDigitalTwin('yard'), 400, 'RelationshipsNotDeleted')
})

await test('telemetry is taken from twins and components', async () => {
  const sent = await client.publishTelemetry('hall 1', { noise: 3 })
  assert.equal(sent._response.status, 204)
  // The SDK puts the payload into the Message-Id header and the id into the body; the service takes that.
  const sentFromComponent = await client.publishComponentTelemetry('hall 1', 'sensor', '{"noise":3}', 'message-1')
  assert.equal(sentFromComponent._response.status, 204)
  await fails(client.publishTelemetry('nobody', { noise: 3 }, 'message-2'), 404, 'DigitalTwinNotFound')
})

await test('queries give twins, counts and pages', async () => {
  const found = await all(client.queryTwins('SELECT * FROM digitaltwins T WHERE T.temperature > 10'))
  assert.deepEqual(found, [(await client.getDigitalTwin('hall 1')).body])
  assert.deepEqual(await all(client.queryTwins('SELECT COUNT() FROM digitaltwins')), [{ COUNT: 2 }])
  const pages = await all(client.queryTwins('SELECT * FROM relationships', 10).byPage())
  assert.deepEqual(pages.map((page) => page.value.length), [10, 10, 3])
  assert.ok(pages[0].queryCharge > 0)
  await fails(all(client.queryTwins('SELECT nonsense')), 400, 'SqlQueryError')
})

await test('event routes are created, listed page by page, read and deleted', async () => {
  const filter = "type = 'Microsoft.DigitalTwins.Twin.Create'"
  for (const id of ['route-1', 'route-2', 'route-3']) await client.upsertEventRoute(id, endpoint, filter)
  const { id, endpointName, filter: stored } = await client.getEventRoute('route-2')
  assert.deepEqual({ id, endpointName, filter: stored }, { id: 'route-2', endpointName: endpoint, filter })
  const pages = await all(client.listEventRoutes().byPage({ maxPageSize: 2 }))
  assert.deepEqual(pages.map((page) => page.value.map((route) => route.id)), [['route-1', 'route-2'], ['route-3']])
  for (const { id } of pages.flatMap((page) => page.value)) await client.deleteEventRoute(id)
  assert.deepEqual(await all(client.listEventRoutes()), [])
  await fails(client.getEventRoute('route-1'), 404, 'EventRouteNotFound')
})

await test('everything is deleted again', async () => {
  for (const { $relationshipId } of await all(client.listRelationships('hall 1'))) {
    await client.deleteRelationship('hall 1', $relationshipId)
  }
  const { etag } = await client.getDigitalTwin('yard')
  await client.deleteDigitalTwin('yard', { ifMatch: etag })
  await client.deleteDigitalTwin('hall 1')
  await fails(client.getDigitalTwin('yard'), 404, 'DigitalTwinNotFound')
  await fails(client.deleteModel(SENSOR['@id']), 409, 'ModelReferencesNotDeleted')
  await client.decomissionModel(ROOM['@id'])
  assert.equal((await client.getModel(ROOM['@id'])).decommissioned, true)
  await fails(client.upsertDigitalTwin('late', JSON.stringify(roomTwin(1))), 400, 'ModelDecommissioned')
  await client.deleteModel(ROOM['@id'])
  await client.deleteModel(SENSOR['@id'])
  assert.deepEqual(await all(client.listModels()), [])
})
