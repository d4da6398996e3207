package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.CreateModelsRequest;
import io.twinfront.v1.CreateModelsResponse;
import io.twinfront.v1.DecommissionModelRequest;
import io.twinfront.v1.DecommissionModelResponse;
import io.twinfront.v1.DeleteModelRequest;
import io.twinfront.v1.DeleteModelResponse;
import io.twinfront.v1.GetModelRequest;
import io.twinfront.v1.GetModelResponse;
import io.twinfront.v1.ListModelsRequest;
import io.twinfront.v1.ListModelsResponse;
import io.twinfront.v1.ModelServiceGrpc;

/** Models: the calls of {@code ModelService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class ModelCalls extends Calls<ModelCalls> {
    ModelCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected ModelCalls build(Channel channel, CallOptions options) {
        return new ModelCalls(channel, options);
    }

    /**
     * Uploads models: all of them, or none.
     *
     * @param request the models, each as DTDL text
     * @return the models as they are stored
     */
    public CreateModelsResponse createModels(CreateModelsRequest request) {
        return unary(ModelServiceGrpc.getCreateModelsMethod(), request);
    }

    /**
     * Reads a model.
     *
     * @param request the model's id
     * @return the model
     */
    public GetModelResponse getModel(GetModelRequest request) {
        return unary(ModelServiceGrpc.getGetModelMethod(), request);
    }

    /**
     * Lists models in the order of their upload, a page of them; {@link Listing} goes through all.
     *
     * @param request which models, and how much of each
     * @return one page
     */
    public ListModelsResponse listModels(ListModelsRequest request) {
        return unary(ModelServiceGrpc.getListModelsMethod(), request);
    }

    /**
     * Marks a model so that no new twin of it is created.
     *
     * @param request the model's id
     * @return nothing more than that it is done
     */
    public DecommissionModelResponse decommissionModel(DecommissionModelRequest request) {
        return unary(ModelServiceGrpc.getDecommissionModelMethod(), request);
    }

    /**
     * Deletes a model that no other model extends or has as a component.
     *
     * @param request the model's id
     * @return nothing more than that it is done
     */
    public DeleteModelResponse deleteModel(DeleteModelRequest request) {
        return unary(ModelServiceGrpc.getDeleteModelMethod(), request);
    }
}
