using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// Trains the readout of a self-supervised network (paper's code): softmax regression on fixed features by plain stochastic gradient
/// descent.
/// </summary>
internal sealed class ReadoutTraining
{
    private readonly Network _model;
    private readonly WorkerTeam _team;
    private readonly Communicator _world;
    private readonly int _tileExamples;
    private readonly ForwardPass[] _passes;
    private readonly ParameterVector _gradients;
    private readonly ParameterUpdate _update;
    private readonly Memory<float> _features;
    private readonly Memory<float> _errors;
    private readonly Memory<float> _workspace;
    private readonly Action<int, int> _runTile;
    private ImageBatch _batch = null!;

    internal ReadoutTraining(
        Network model, WorkerTeam team, int batchSize, double weightDecay, ParameterVector? velocity = null, Communicator? world = null)
    {
        _world = world ?? new SingleProcess();
        _model = model;
        _team = team;
        _tileExamples = ForwardPass.TileExamples(model);
        _passes = [.. Enumerable.Range(0, team.Count).Select(_ => new ForwardPass(model))];
        _gradients = new ParameterVector(model.Values.Layout);
        LinearHead readout = model.Readout;
        _update = new ParameterUpdate(
            model.Values.Layout, [new(readout.Weight, true), new(readout.Bias, false)], new Sgd(0, weightDecay), team, velocity);
        _features = AlignedMemory.Allocate(checked(batchSize * readout.Features));
        _errors = AlignedMemory.Allocate(batchSize * readout.Outputs);
        _workspace = AlignedMemory.Allocate(Gemm.WorkspaceLength(batchSize));
        _runTile = RunTile;
    }

    /// <summary>Trains for one epoch, or for the rest of one.</summary>
    /// <param name="loader">Images with labels, without augmentation.</param>
    /// <param name="epoch">Number of the epoch, which determines the order of the images.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="steps">Number of steps in the epoch, at most as many as the loader has.</param>
    /// <param name="firstStep">Index of the first step to run.</param>
    /// <param name="stepEnded">Called after each step.</param>
    /// <param name="cancellation">Cancels the epoch.</param>
    internal void Run(
        BatchLoader loader,
        int epoch,
        double rate,
        int steps,
        int firstStep = 0,
        Action? stepEnded = null,
        CancellationToken cancellation = default)
    {
        _model.Pack(_team);
        foreach (ImageBatch batch in loader.Epoch(epoch, firstStep, cancellation).Take(steps - firstStep))
        {
            _batch = batch;
            _team.Run((batch.Count + _tileExamples - 1) / _tileExamples, _runTile);
            _model.Readout.AccumulateGradient(_features.Span, _errors.Span, batch.Count, accumulate: false, _gradients, _workspace.Span);
            _world.Sum(_gradients.Memory[_model.Readout.Weight.Offset..(_model.Readout.Bias.Offset + _model.Readout.Bias.Length)]);
            _update.Apply(_model.Values, _gradients, rate);
            _model.Readout.Pack(_model.Values);
            stepEnded?.Invoke();
        }
    }

    private void RunTile(int job, int worker)
    {
        LinearHead readout = _model.Readout;
        ForwardPass pass = _passes[worker];
        int first = job * _tileExamples;
        int examples = Math.Min(_tileExamples, _batch.Count - first);
        pass.Run(_batch.PixelsOf(first, examples), examples);
        pass.Features[..(examples * readout.Features)].CopyTo(_features.Span[(first * readout.Features)..]);
        Span<float> errors = _errors.Span.Slice(first * readout.Outputs, examples * readout.Outputs);
        readout.Apply(_model.Values, pass.Features, errors, examples);
        for (int n = 0; n < examples; n++)
        {
            Span<float> logits = errors.Slice(n * readout.Outputs, readout.Outputs);
            SoftmaxCrossEntropy.Evaluate(logits, _batch.Labels[first + n], logits);
        }

        TensorPrimitives.Divide(errors, _batch.ImagesOfAll, errors);
    }
}
