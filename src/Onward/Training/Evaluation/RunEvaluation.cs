using Onward.Communication;
using Onward.Data;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// The evaluations of a run: on the test set after each epoch, and on the training images at the end. Processes share the work.
/// </summary>
internal sealed class RunEvaluation : IDisposable
{
    private readonly ImageDataset _data;
    private readonly Evaluator _evaluator;
    private readonly BatchShare _share;
    private readonly int _threads;
    private readonly BatchLoader _test;

    internal RunEvaluation(Network model, WorkerTeam team, ImageDataset data, TrainingOptions options, Communicator world)
    {
        _data = data with { Training = Limit(data.Training, options), Test = Limit(data.Test, options) };
        (_evaluator, _share, _threads) = (new Evaluator(model, team, world), new BatchShare(world.Rank, world.Count), team.Count);
        _test = Loader(_data.Test);
    }

    /// <summary>Evaluates the model on the test set.</summary>
    /// <param name="progress">Called after each batch.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    internal Evaluation OfTest(Action<EvaluationProgress> progress, CancellationToken cancellation) =>
        _evaluator.Evaluate(_test, exitConfidence: null, done => progress(Of(_data.Test, done)), cancellation);

    /// <summary>Evaluates the model on the training images without augmentation.</summary>
    /// <param name="progress">Called after each batch.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    internal Evaluation OfTraining(Action<EvaluationProgress> progress, CancellationToken cancellation)
    {
        using BatchLoader training = Loader(_data.Training);
        return _evaluator.Evaluate(training, exitConfidence: null, done => progress(Of(_data.Training, done)), cancellation);
    }

    /// <summary>Stops the background threads of the loader.</summary>
    public void Dispose() => _test.Dispose();

    private static ImageSet Limit(ImageSet images, TrainingOptions options) =>
        (long?)options.MaximumTestBatches * options.BatchSize is long most && most < images.Count
            ? images.HoldOut((int)most, options.Seed).HeldOut
            : images;

    private BatchLoader Loader(ImageSet images) => BatchLoader.ForEvaluation(images, _data.Mean, _data.StandardDeviation, _threads, _share);

    private EvaluationProgress Of(ImageSet images, int done) =>
        new(images == _data.Training, (int)Math.Min((long)done * _share.Count, images.Count), images.Count);
}
