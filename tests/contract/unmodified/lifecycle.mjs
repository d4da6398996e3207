// A program for Azure Digital Twins as its documentation has them: nothing in it knows of localtwins.
import { DigitalTwinsClient } from '@azure/digital-twins-core'
import { DefaultAzureCredential } from '@azure/identity'

const LAMP = {
  '@context': 'dtmi:dtdl:context;3',
  '@id': 'dtmi:example:js:Lamp;1',
  '@type': 'Interface',
  contents: [{ '@type': 'Property', name: 'brightness', schema: 'integer' }],
}
const DIM = [{ op: 'replace', path: '/brightness', value: 30 }]

const client = new DigitalTwinsClient(process.env.AZURE_DIGITALTWINS_URL, new DefaultAzureCredential())
await client.createModels([LAMP])
const lamp = { $metadata: { $model: LAMP['@id'] }, brightness: 70 }
const { etag } = await client.upsertDigitalTwin('js', JSON.stringify(lamp))
await client.updateDigitalTwin('js', DIM, { ifMatch: etag })
try {
  await client.updateDigitalTwin('js', DIM, { ifMatch: etag })
} catch (error) {
  console.log(error.statusCode)
}
const query = "SELECT T.brightness FROM digitaltwins T WHERE T.$dtId = 'js'"
for await (const row of client.queryTwins(query)) console.log(row.brightness)
