using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Result of evaluating a model on a set of images.</summary>
/// <param name="Error">Percentage of examples that the readout classifies wrongly, the paper's measure; of tokens that it predicts wrongly
/// if the network predicts tokens.</param>
/// <param name="Loss">Mean cross-entropy of the readout, in nats.</param>
/// <param name="BlockErrors">Percentage of examples that each block's local head classifies wrongly; empty if the heads do not
/// classify. [block]</param>
public sealed record Evaluation(double Error, double Loss, IReadOnlyList<double> BlockErrors)
{
    /// <summary>Result of early exit; null if it was not measured.</summary>
    public EarlyExits? EarlyExits { get; init; }

    /// <summary>The predictions of the readout; none if the network predicts tokens. [example]</summary>
    public IReadOnlyList<Answer> Answers { get; init; } = [];
}

/// <summary>The prediction of the readout for one example.</summary>
/// <param name="Label">The true class.</param>
/// <param name="Class">The most probable class.</param>
/// <param name="Probability">The probability of that class.</param>
public readonly record struct Answer(int Label, int Class, float Probability);

/// <summary>
/// Result of early exit: each prediction is taken from the first block whose head reaches the required confidence, or else from
/// the readout.
/// </summary>
/// <param name="Error">Percentage of examples whose prediction is wrong.</param>
/// <param name="Shares">Percentage of examples that exit at each block; the others reach the readout. [block]</param>
public sealed record EarlyExits(double Error, IReadOnlyList<double> Shares);

/// <summary>Evaluates a model on a set of images, in constant memory.</summary>
public sealed class Evaluator
{
    private readonly Network _model;
    private readonly WorkerTeam _team;
    private readonly Communicator _world;
    private readonly int _tileExamples;
    private readonly ForwardPass[] _passes;
    private readonly int[] _blockMistakes;
    private readonly int[] _exits; // [block]
    private readonly Action<int, int> _runTile;
    private ImageBatch _batch = null!;
    private float[] _losses = []; // [head row of the batch]
    private Answer[] _answers = []; // [head row of the batch]
    private bool[] _answered = []; // [example of the batch]
    private int _mistakes;
    private double? _exitConfidence;
    private int _exitMistakes;

    /// <summary>Allocates the working memory of each thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="world">The processes that share the examples, each with a loader of its share; null for one process.
    /// Predictions are returned for this process's share only.</param>
    public Evaluator(Network model, WorkerTeam team, Communicator? world = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(team);
        _model = model;
        _team = team;
        _world = world ?? new SingleProcess();
        _tileExamples = ForwardPass.TileExamples(model);
        _passes = [.. Enumerable.Range(0, team.Count).Select(_ => new ForwardPass(model))];
        _blockMistakes = new int[model.IsSelfSupervised ? 0 : model.Blocks.Count];
        _exits = new int[_blockMistakes.Length];
        _runTile = RunTile;
    }

    /// <summary>Evaluates the model on every example of a loader, in order.</summary>
    /// <param name="loader">The images.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    /// <exception cref="OperationCanceledException">The evaluation was cancelled.</exception>
    public Evaluation Evaluate(BatchLoader loader, CancellationToken cancellation = default) =>
        Evaluate(loader, exitConfidence: null, progress: null, cancellation);

    /// <summary>Evaluates the model on every example of a loader, and measures early exit.</summary>
    /// <param name="loader">The images.</param>
    /// <param name="exitConfidence">Probability of the most probable class at which an example exits at a block; null to skip the
    /// measurement.</param>
    /// <param name="progress">Called on this thread after each batch with the number of images done.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    /// <exception cref="OperationCanceledException">The evaluation was cancelled.</exception>
    /// <exception cref="ArgumentException">Early exit is requested for a network whose heads do not classify.</exception>
    public Evaluation Evaluate(
        BatchLoader loader, double? exitConfidence, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(loader);
        if (exitConfidence is not null && (_model.IsSelfSupervised || _model.Settings.PredictsNextToken))
        {
            throw new ArgumentException("The heads of this network do not classify, so there is no early exit.", nameof(exitConfidence));
        }

        _model.Pack(_team);
        (_mistakes, _exitMistakes, _exitConfidence) = (0, 0, exitConfidence);
        Array.Clear(_blockMistakes);
        Array.Clear(_exits);
        double loss = 0;
        int examples = 0;
        bool keepsAnswers = !_model.Settings.PredictsNextToken;
        List<Answer> answers = [];
        foreach (ImageBatch batch in loader.InOrder(cancellation))
        {
            _batch = batch;
            if (_answered.Length < batch.Count)
            {
                _losses = new float[batch.Count * _model.HeadRows];
                _answers = new Answer[batch.Count * _model.HeadRows];
                _answered = new bool[batch.Count];
            }

            Array.Clear(_answered);

            _team.Run((batch.Count + _tileExamples - 1) / _tileExamples, _runTile);
            examples += batch.Count;
            answers.AddRange(_answers.AsSpan(0, keepsAnswers ? batch.Count : 0));
            foreach (float row in _losses.AsSpan(0, batch.Count * _model.HeadRows))
            {
                loss += row;
            }

            progress?.Invoke(examples);
        }

        double[] sums = [(double)examples * _model.HeadRows, loss, _mistakes, .. _blockMistakes];
        _world.Sum(sums.AsMemory());
        return new Evaluation(Percent(sums[2]), sums[1] / sums[0], [.. sums[3..].Select(Percent)])
        {
            EarlyExits = exitConfidence is null
                ? null
                : new EarlyExits(Percent(_exitMistakes), [.. _exits.Select(exits => Percent(exits))]),
            Answers = answers,
        };

        double Percent(double mistakes) => 100.0 * mistakes / sums[0];
    }

    private void RunTile(int job, int worker)
    {
        ForwardPass pass = _passes[worker];
        int first = job * _tileExamples;
        int examples = Math.Min(_tileExamples, _batch.Count - first), classes = _model.Classes;
        int rows = examples * _model.HeadRows, firstRow = first * _model.HeadRows;
        pass.Run(_batch.PixelsOf(first, examples), examples, CountBlock);
        _model.Readout.Apply(_model.Values, pass.Features, pass.Outputs.Span, rows);
        Interlocked.Add(ref _mistakes, Mistakes(pass, firstRow, rows));
        for (int n = 0; n < rows; n++)
        {
            Span<float> logits = pass.Outputs.Span.Slice(n * classes, classes);
            int label = _batch.Labels[firstRow + n], answer = TensorPrimitives.IndexOfMax<float>(logits);
            if (_exitConfidence is not null && !_answered[first + n] && answer != label)
            {
                Interlocked.Increment(ref _exitMistakes);
            }

            // Evaluate overwrites the logits with the gradient: the probabilities, minus one at the label.
            _losses[firstRow + n] = SoftmaxCrossEntropy.Evaluate(logits, label, logits);
            _answers[firstRow + n] = new Answer(label, answer, logits[answer] + (answer == label ? 1 : 0));
        }

        bool CountBlock(NetworkBlock block)
        {
            if (_blockMistakes.Length > 0)
            {
                block.Head.Apply(_model.Values, pass.Pooled, pass.Outputs.Span, rows);
                Interlocked.Add(ref _blockMistakes[block.Index], Mistakes(pass, firstRow, rows));
                CountExits(block, pass, first, examples);
            }

            return true;
        }
    }

    // Overwrites the logits with probabilities.
    private void CountExits(NetworkBlock block, ForwardPass pass, int first, int examples)
    {
        int classes = _model.Classes;
        for (int n = 0; n < examples && _exitConfidence is not null; n++)
        {
            if (_answered[first + n])
            {
                continue;
            }

            Span<float> probabilities = pass.Outputs.Span.Slice(n * classes, classes);
            Softmax.Apply(probabilities, probabilities);
            int answer = TensorPrimitives.IndexOfMax<float>(probabilities);
            if (probabilities[answer] >= _exitConfidence)
            {
                _answered[first + n] = true;
                Interlocked.Increment(ref _exits[block.Index]);
                Interlocked.Add(ref _exitMistakes, answer == _batch.Labels[first + n] ? 0 : 1);
            }
        }
    }

    private int Mistakes(ForwardPass pass, int first, int rows)
    {
        int classes = _model.Classes, mistakes = 0;
        for (int n = 0; n < rows; n++)
        {
            mistakes += TensorPrimitives.IndexOfMax<float>(pass.Outputs.Span.Slice(n * classes, classes)) == _batch.Labels[first + n]
                ? 0
                : 1;
        }

        return mistakes;
    }
}
