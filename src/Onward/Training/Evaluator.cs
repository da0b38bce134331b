using System.Numerics.Tensors;
using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>How well a model does on a set of images.</summary>
/// <param name="Error">Examples that the readout gets wrong, in percent: the paper's measure.</param>
/// <param name="Loss">Mean cross-entropy of the readout, in nats.</param>
/// <param name="BlockErrors">Examples that each block's local head gets wrong, in percent.</param>
public sealed record Evaluation(double Error, double Loss, IReadOnlyList<double> BlockErrors);

/// <summary>Runs a model forward, values only, in constant memory.</summary>
public sealed class Evaluator
{
    private const int TileRows = 64;

    private readonly LocalMixer _model;
    private readonly WorkerTeam _team;
    private readonly int _tileExamples;
    private readonly Scratch[] _scratch;
    private readonly int[] _blockMistakes;
    private readonly Action<int, int> _runTile;
    private ImageBatch _batch = null!;
    private float[] _losses = [];
    private int _mistakes;

    /// <summary>Allocates memory for each thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="team">The threads that share the work.</param>
    public Evaluator(LocalMixer model, WorkerTeam team)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        _model = model;
        _team = team;
        _tileExamples = Math.Max(1, TileRows / model.Options.Patches);
        _scratch = [.. Enumerable.Range(0, team.Count).Select(_ => new Scratch(model, _tileExamples))];
        _blockMistakes = new int[model.Blocks.Count];
        _runTile = RunTile;
    }

    /// <summary>Evaluates the model on every example that a loader deals out in order.</summary>
    /// <param name="loader">The images.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    /// <exception cref="OperationCanceledException">The evaluation was ended.</exception>
    public Evaluation Evaluate(BatchLoader loader, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(loader);
        _model.Pack(_team);
        _mistakes = 0;
        Array.Clear(_blockMistakes);
        double loss = 0;
        int examples = 0;
        foreach (ImageBatch batch in loader.InOrder(cancellation))
        {
            _batch = batch;
            if (_losses.Length < batch.Count)
            {
                _losses = new float[batch.Count];
            }

            _team.Run((batch.Count + _tileExamples - 1) / _tileExamples, _runTile);
            examples += batch.Count;
            foreach (float example in _losses.AsSpan(0, batch.Count))
            {
                loss += example;
            }
        }

        return new Evaluation(Percent(_mistakes), loss / examples, [.. _blockMistakes.Select(Percent)]);

        double Percent(int mistakes) => 100.0 * mistakes / examples;
    }

    private void RunTile(int job, int worker)
    {
        LocalMixerOptions options = _model.Options;
        Scratch scratch = _scratch[worker];
        int first = job * _tileExamples;
        int examples = Math.Min(_tileExamples, _batch.Count - first);
        int rows = examples * options.Patches;
        int image = options.ImageSide * options.ImageSide * options.ImageChannels, patches = options.Patches * options.PatchVector;
        for (int n = 0; n < examples; n++)
        {
            PatchExtraction.Extract(options, _batch.Pixels.AsSpan((first + n) * image, image), scratch.Patches.Span.Slice(n * patches, patches));
        }

        ReadOnlySpan<float> x = scratch.Patches.Span[..(examples * patches)];
        foreach (MixerBlock block in _model.Blocks)
        {
            Span<float> result = scratch.Results[block.Index & 1].Span[..(rows * options.Channels)];
            block.Forward(_model.Values, x, scratch.Inputs, result, scratch.Activations, rows);
            block.Head.Apply(_model.Values, scratch.Activations.Pooled, scratch.Logits.Span, examples);
            Interlocked.Add(ref _blockMistakes[block.Index], Mistakes(scratch, first, examples));
            x = result;
        }

        Span<float> features = scratch.Features.Span[..(examples * options.Channels)];
        _model.PoolForReadout(x, features, scratch.Reciprocal.Span[..examples]);
        _model.Readout.Apply(_model.Values, features, scratch.Logits.Span, examples);
        Interlocked.Add(ref _mistakes, Mistakes(scratch, first, examples));
        for (int n = 0; n < examples; n++)
        {
            Span<float> logits = scratch.Logits.Span.Slice(n * options.Classes, options.Classes);
            _losses[first + n] = SoftmaxCrossEntropy.Evaluate(logits, _batch.Labels[first + n], logits);
        }
    }

    private int Mistakes(Scratch scratch, int first, int examples)
    {
        int classes = _model.Options.Classes, mistakes = 0;
        for (int n = 0; n < examples; n++)
        {
            mistakes += TensorPrimitives.IndexOfMax<float>(scratch.Logits.Span.Slice(n * classes, classes)) == _batch.Labels[first + n] ? 0 : 1;
        }

        return mistakes;
    }

    // One thread's memory.
    private sealed class Scratch
    {
        internal Scratch(LocalMixer model, int examples)
        {
            LocalMixerOptions options = model.Options;
            int rows = checked(examples * options.Patches);
            Activations = new BlockActivations(model, examples);
            Patches = AlignedMemory.Allocate(rows * options.PatchVector);
            Inputs =
            [
                .. Enumerable.Range(0, model.Blocks.Max(block => block.Layers.Count))
                    .Select(l => AlignedMemory.Allocate(checked(rows * model.Blocks.Where(block => l < block.Layers.Count).Max(block => block.Layers[l].Map.Inputs)))),
            ];
            Results = [AlignedMemory.Allocate(rows * options.Channels), AlignedMemory.Allocate(rows * options.Channels)];
            Features = AlignedMemory.Allocate(examples * options.Channels);
            Reciprocal = AlignedMemory.Allocate(examples);
            Logits = AlignedMemory.Allocate(examples * options.Classes);
        }

        internal BlockActivations Activations { get; }

        internal Memory<float> Patches { get; }

        internal Memory<float>[] Inputs { get; }

        internal Memory<float>[] Results { get; }

        internal Memory<float> Features { get; }

        internal Memory<float> Reciprocal { get; }

        internal Memory<float> Logits { get; }
    }
}
