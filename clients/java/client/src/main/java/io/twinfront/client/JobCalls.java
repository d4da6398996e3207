package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.CancelImportJobRequest;
import io.twinfront.v1.CancelImportJobResponse;
import io.twinfront.v1.CreateDeleteJobRequest;
import io.twinfront.v1.CreateDeleteJobResponse;
import io.twinfront.v1.CreateImportJobRequest;
import io.twinfront.v1.CreateImportJobResponse;
import io.twinfront.v1.DeleteImportJobRequest;
import io.twinfront.v1.DeleteImportJobResponse;
import io.twinfront.v1.GetDeleteJobRequest;
import io.twinfront.v1.GetDeleteJobResponse;
import io.twinfront.v1.GetImportJobRequest;
import io.twinfront.v1.GetImportJobResponse;
import io.twinfront.v1.JobServiceGrpc;
import io.twinfront.v1.ListDeleteJobsRequest;
import io.twinfront.v1.ListDeleteJobsResponse;
import io.twinfront.v1.ListImportJobsRequest;
import io.twinfront.v1.ListImportJobsResponse;

/** Import and delete jobs: the calls of {@code JobService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class JobCalls extends Calls<JobCalls> {
    JobCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected JobCalls build(Channel channel, CallOptions options) {
        return new JobCalls(channel, options);
    }

    /**
     * Creates an import job, which then starts by itself.
     *
     * @param request the id, and the job to be
     * @return the job
     */
    public CreateImportJobResponse createImportJob(CreateImportJobRequest request) {
        return unary(JobServiceGrpc.getCreateImportJobMethod(), request);
    }

    /**
     * Reads an import job.
     *
     * @param request the id
     * @return the job
     */
    public GetImportJobResponse getImportJob(GetImportJobRequest request) {
        return unary(JobServiceGrpc.getGetImportJobMethod(), request);
    }

    /**
     * Lists import jobs, a page of them; {@link Listing} goes through all.
     *
     * @param request the size of the page
     * @return one page
     */
    public ListImportJobsResponse listImportJobs(ListImportJobsRequest request) {
        return unary(JobServiceGrpc.getListImportJobsMethod(), request);
    }

    /**
     * Cancels an import job.
     *
     * @param request the id
     * @return the job
     */
    public CancelImportJobResponse cancelImportJob(CancelImportJobRequest request) {
        return unary(JobServiceGrpc.getCancelImportJobMethod(), request);
    }

    /**
     * Deletes an import job that has ended.
     *
     * @param request the id
     * @return nothing more than that it is done
     */
    public DeleteImportJobResponse deleteImportJob(DeleteImportJobRequest request) {
        return unary(JobServiceGrpc.getDeleteImportJobMethod(), request);
    }

    /**
     * Creates a delete job, which then starts by itself and deletes the whole graph.
     *
     * @param request the id
     * @return the job
     */
    public CreateDeleteJobResponse createDeleteJob(CreateDeleteJobRequest request) {
        return unary(JobServiceGrpc.getCreateDeleteJobMethod(), request);
    }

    /**
     * Reads a delete job.
     *
     * @param request the id
     * @return the job
     */
    public GetDeleteJobResponse getDeleteJob(GetDeleteJobRequest request) {
        return unary(JobServiceGrpc.getGetDeleteJobMethod(), request);
    }

    /**
     * Lists delete jobs, a page of them; {@link Listing} goes through all.
     *
     * @param request the size of the page
     * @return one page
     */
    public ListDeleteJobsResponse listDeleteJobs(ListDeleteJobsRequest request) {
        return unary(JobServiceGrpc.getListDeleteJobsMethod(), request);
    }
}
