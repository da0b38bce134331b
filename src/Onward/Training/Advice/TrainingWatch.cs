using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>Detects signs that a run does not learn, from the losses of its steps and the sizes of its parameters.</summary>
/// <remarks>
/// The biases are read once per <see cref="LossHistory.Window"/> steps and all parameters once per epoch. The cost is
/// negligible.
/// </remarks>
internal sealed class TrainingWatch
{
    // Layers read and write normalised numbers. A bias of this size, or weights that produce such outputs, dominate the data.
    private const float LargestBias = 10;
    private const float LargestOutput = 100;

    // A loss above this fraction of the loss of guessing counts as not fallen.
    private const double Stays = 0.99;

    // Number of steps before a loss that does not fall counts as a sign.
    private const int StepsToLearn = 200;

    private readonly TrainingStep _step;
    private readonly TrainingOptions _options;
    private readonly int _stepsPerEpoch;
    private readonly double _guess;
    private readonly Parameter[] _parameters;
    private readonly Parameter[] _biases;

    /// <summary>Prepares to watch a run.</summary>
    /// <param name="step">The step, whose network is watched.</param>
    /// <param name="training">The training set.</param>
    /// <param name="options">Options of the run.</param>
    /// <param name="stepsPerEpoch">Number of steps in an epoch.</param>
    /// <param name="owns">Returns true for the parameters that this process trains.</param>
    internal TrainingWatch(TrainingStep step, ImageSet training, TrainingOptions options, int stepsPerEpoch, Func<Parameter, bool> owns)
    {
        (_step, _options, _stepsPerEpoch) = (step, options, stepsPerEpoch);
        _guess = step.Network.IsSelfSupervised ? double.PositiveInfinity : EntropyOf(training);
        _parameters = [.. step.Network.Values.Layout.Parameters.Where(owns)];
        _biases = [.. _parameters.Where(parameter => !parameter.IsMatrix)];
    }

    /// <summary>Looks for new signs after a step. Each kind of sign is reported once per run.</summary>
    /// <param name="state">The state of the run after the step; the advice is added to it.</param>
    /// <param name="advised">Called with each piece of advice.</param>
    /// <returns>True if there was advice.</returns>
    internal bool Advise(RunState state, Action<TrainingAdvice>? advised)
    {
        bool endsEpoch = state.Step == _stepsPerEpoch;
        if (state.Losses is not LossHistory losses || !(losses.WindowEnded || endsEpoch))
        {
            return false;
        }

        TrainingAdvice[] found = [.. Find(state, losses, endsEpoch)];
        state.Advice.AddRange(found);
        Array.ForEach(found, advice => advised?.Invoke(advice));
        return found.Length > 0;
    }

    private IEnumerable<TrainingAdvice> Find(RunState state, LossHistory losses, bool endsEpoch)
    {
        bool mayStay = endsEpoch && losses.Steps >= StepsToLearn && state.Epochs.Count + 1 > _options.WarmupEpochs;
        (AdviceKind Kind, Func<(string Subject, double From, double To)?> Sign)[] signs =
        [
            (AdviceKind.LossRises, () => Rising(losses)),
            (AdviceKind.ParameterGrows, () => Growing(endsEpoch ? _parameters : _biases)),
            (AdviceKind.LossStays, () => mayStay ? Staying(losses) : null),
        ];
        HashSet<AdviceKind> given = [.. state.Advice.Select(advice => advice.Kind)];
        foreach ((AdviceKind kind, Func<(string, double, double)?> sign) in signs.Where(sign => !given.Contains(sign.Kind)))
        {
            if (sign() is var (subject, from, to))
            {
                yield return new TrainingAdvice(kind, subject, from, to, state.Epochs.Count + 1, state.Step, _options.LearningRate);
            }
        }
    }

    // Requires two windows in a row, so that a single bad batch is not a sign.
    private (string, double, double)? Rising(LossHistory losses) =>
        First(head => losses.Risen[head] >= 2) is int head ? (NameOf(head), losses.Lowest[head], losses.Latest[head]) : null;

    private (string, double, double)? Staying(LossHistory losses) =>
        First(head => losses.Lowest[head] >= Stays * Guess(losses, head)) is int head
            ? (NameOf(head), Guess(losses, head), losses.Latest[head])
            : null;

    // With inputs of unit size, the outputs have the size of the weights (root mean square) times the square root of the number of inputs.
    private (string, double, double)? Growing(Parameter[] parameters)
    {
        foreach (Parameter parameter in parameters)
        {
            ReadOnlySpan<float> values = _step.Network.Values.Read(parameter);
            float size = MathF.Sqrt(Reduction.SumOfSquares(values) / values.Length);
            float largest = parameter.IsMatrix && parameter.Shape.Count > 1 ? LargestOutput / MathF.Sqrt(parameter.Shape[^2]) : LargestBias;
            if (size > largest)
            {
                return (parameter.Name, largest, size);
            }
        }

        return null;
    }

    // A constant prediction reaches the entropy of the labels, whatever the network.
    private double Guess(LossHistory losses, int head) => Math.Min(losses.First[head], _guess);

    // Skips local heads that the rule does not train and heads of frozen blocks, because their losses mean nothing.
    private int? First(Func<int, bool> shows)
    {
        int blocks = _step.Network.Blocks.Count, first = _step.Rule.TrainsHeads ? 0 : blocks;
        return Enumerable.Range(first, blocks + 1 - first)
            .Where(head => head == blocks || !_step.IsFrozen(head))
            .Where(shows).Select(head => (int?)head).FirstOrDefault();
    }

    private string NameOf(int head) =>
        head < _step.Network.Blocks.Count ? $"block {head}" : _step.Network.IsSelfSupervised ? "the last projection" : "the readout";

    private static double EntropyOf(ImageSet images)
    {
        long[] counts = images.CountLabels();
        double sum = counts.Sum();
        double[] shares = [.. counts.Where(count => count > 0).Select(count => count / sum)];
        return -shares.Sum(share => share * Pointwise.Log(share));
    }
}
