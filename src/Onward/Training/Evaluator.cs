using System.Numerics.Tensors;
using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>How well a model does on a set of images.</summary>
/// <param name="Error">Examples that the readout gets wrong, in percent: the paper's measure.</param>
/// <param name="Loss">Mean cross-entropy of the readout, in nats.</param>
/// <param name="BlockErrors">Examples that each block's local head gets wrong, in percent; empty where heads do not classify.</param>
public sealed record Evaluation(double Error, double Loss, IReadOnlyList<double> BlockErrors);

/// <summary>Runs a model forward, values only, in constant memory.</summary>
public sealed class Evaluator
{
    private readonly LocalMixer _model;
    private readonly WorkerTeam _team;
    private readonly int _tileExamples;
    private readonly ForwardPass[] _passes;
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
        _tileExamples = ForwardPass.TileExamples(model);
        _passes = [.. Enumerable.Range(0, team.Count).Select(_ => new ForwardPass(model))];
        _blockMistakes = new int[model.Options.IsSelfSupervised ? 0 : model.Blocks.Count];
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
        ForwardPass pass = _passes[worker];
        int first = job * _tileExamples;
        int examples = Math.Min(_tileExamples, _batch.Count - first), classes = _model.Options.Classes;
        pass.Run(_batch.PixelsOf(first, examples), examples, CountBlock);
        _model.Readout.Apply(_model.Values, pass.Features, pass.Outputs.Span, examples);
        Interlocked.Add(ref _mistakes, Mistakes(pass, first, examples));
        for (int n = 0; n < examples; n++)
        {
            Span<float> logits = pass.Outputs.Span.Slice(n * classes, classes);
            _losses[first + n] = SoftmaxCrossEntropy.Evaluate(logits, _batch.Labels[first + n], logits);
        }

        void CountBlock(MixerBlock block)
        {
            if (_blockMistakes.Length > 0)
            {
                block.Head.Apply(_model.Values, pass.Pooled, pass.Outputs.Span, examples);
                Interlocked.Add(ref _blockMistakes[block.Index], Mistakes(pass, first, examples));
            }
        }
    }

    private int Mistakes(ForwardPass pass, int first, int examples)
    {
        int classes = _model.Options.Classes, mistakes = 0;
        for (int n = 0; n < examples; n++)
        {
            mistakes += TensorPrimitives.IndexOfMax<float>(pass.Outputs.Span.Slice(n * classes, classes)) == _batch.Labels[first + n] ? 0 : 1;
        }

        return mistakes;
    }
}
