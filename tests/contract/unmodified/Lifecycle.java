import com.azure.core.models.JsonPatchDocument;
import com.azure.core.util.Context;
import com.azure.digitaltwins.core.BasicDigitalTwin;
import com.azure.digitaltwins.core.BasicDigitalTwinMetadata;
import com.azure.digitaltwins.core.DigitalTwinsClient;
import com.azure.digitaltwins.core.DigitalTwinsClientBuilder;
import com.azure.digitaltwins.core.implementation.models.ErrorResponseException;
import com.azure.digitaltwins.core.models.UpdateDigitalTwinOptions;
import com.azure.identity.DefaultAzureCredentialBuilder;
import java.util.List;

/** A program for Azure Digital Twins as its documentation has them: nothing in it knows of localtwins. */
class Lifecycle {
    static final String LAMP = """
        {
          "@context": "dtmi:dtdl:context;3",
          "@id": "dtmi:example:java:Lamp;1",
          "@type": "Interface",
          "contents": [{"@type": "Property", "name": "brightness", "schema": "integer"}]
        }""";

    public static void main(String[] arguments) {
        DigitalTwinsClient client = new DigitalTwinsClientBuilder()
            .endpoint(System.getenv("AZURE_DIGITALTWINS_URL"))
            .credential(new DefaultAzureCredentialBuilder().build())
            .buildClient();
        client.createModels(List.of(LAMP));
        BasicDigitalTwin lamp = new BasicDigitalTwin("java")
            .setMetadata(new BasicDigitalTwinMetadata().setModelId("dtmi:example:java:Lamp;1"))
            .addToContents("brightness", 70);
        String etag = client.createOrReplaceDigitalTwin("java", lamp, BasicDigitalTwin.class).getETag();
        JsonPatchDocument dim = new JsonPatchDocument().appendReplace("/brightness", 30);
        UpdateDigitalTwinOptions unchanged = new UpdateDigitalTwinOptions().setIfMatch(etag);
        client.updateDigitalTwinWithResponse("java", dim, unchanged, Context.NONE);
        try {
            client.updateDigitalTwinWithResponse("java", dim, unchanged, Context.NONE);
        } catch (ErrorResponseException error) {
            System.out.println(error.getResponse().getStatusCode());
        }
        String query = "SELECT T.brightness FROM digitaltwins T WHERE T.$dtId = 'java'";
        client.query(query, BasicDigitalTwin.class, null, Context.NONE)
            .forEach(row -> System.out.println(row.getContents().get("brightness")));
        System.exit(0); // threads of the SDK live on for a minute
    }
}
