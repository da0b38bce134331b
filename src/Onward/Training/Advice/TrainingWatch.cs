using System.Numerics.Tensors;
using Onward.Data;
using Onward.Engine;
using Onward.Models;

namespace Onward.Training;

/// <summary>
/// Finds the signs that a run does not learn, from the losses of its steps and the size of its parameters. It reads a few thousand
/// numbers once in <see cref="LossHistory.Window"/> steps and all parameters once an epoch, so it costs no time that counts.
/// </summary>
internal sealed class TrainingWatch
{
    // Layers read and write normalised numbers: a bias of this size, or weights that make such outputs of them, drown the data.
    private const float LargestBias = 10;
    private const float LargestOutput = 100;

    // A loss this close to that of guessing has not fallen.
    private const double Stays = 0.99;

    // Fewer steps than this say nothing about a loss that stays.
    private const int StepsToLearn = 200;

    private readonly LearningRule _rule;
    private readonly TrainingOptions _options;
    private readonly int _stepsPerEpoch;
    private readonly double _guess;
    private readonly Parameter[] _parameters;
    private readonly Parameter[] _biases;

    /// <summary>Prepares to watch a run.</summary>
    /// <param name="rule">The rule, whose model is watched.</param>
    /// <param name="training">Images of the training set.</param>
    /// <param name="options">Options of the run.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <param name="owns">Tells the parameters that this process trains.</param>
    internal TrainingWatch(LearningRule rule, ImageSet training, TrainingOptions options, int stepsPerEpoch, Func<Parameter, bool> owns)
    {
        (_rule, _options, _stepsPerEpoch) = (rule, options, stepsPerEpoch);
        _guess = rule.Model.Options.IsSelfSupervised ? double.PositiveInfinity : EntropyOf(training);
        _parameters = [.. rule.Model.Values.Layout.Parameters.Where(owns)];
        _biases = [.. _parameters.Where(parameter => !parameter.IsMatrix)];
    }

    /// <summary>Gives advice after a step, of kinds that the run was not given yet; mostly none.</summary>
    /// <param name="state">The state of the run, with the step in it; it keeps the advice.</param>
    /// <param name="advised">Given the advice.</param>
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
        foreach ((AdviceKind kind, Func<(string, double, double)?> sign) in signs.ExceptBy(state.Advice.Select(given => given.Kind), sign => sign.Kind))
        {
            if (sign() is var (subject, from, to))
            {
                yield return new TrainingAdvice(kind, subject, from, to, state.Epochs.Count + 1, state.Step, _options.LearningRate);
            }
        }
    }

    // Two windows in a row, so that one bad batch is no sign.
    private (string, double, double)? Rising(LossHistory losses) =>
        First(head => losses.Risen[head] >= 2) is int head ? (NameOf(head), losses.Lowest[head], losses.Latest[head]) : null;

    private (string, double, double)? Staying(LossHistory losses) =>
        First(head => losses.Lowest[head] >= Stays * Guess(losses, head)) is int head
            ? (NameOf(head), Guess(losses, head), losses.Latest[head])
            : null;

    // Weights of unit inputs make outputs of their root mean square times the root of the number of inputs.
    private (string, double, double)? Growing(Parameter[] parameters)
    {
        foreach (Parameter parameter in parameters)
        {
            ReadOnlySpan<float> values = _rule.Model.Values[parameter];
            float size = MathF.Sqrt(TensorPrimitives.SumOfSquares(values) / values.Length);
            float largest = parameter.IsMatrix && parameter.Shape.Count > 1 ? LargestOutput / MathF.Sqrt(parameter.Shape[^2]) : LargestBias;
            if (size > largest)
            {
                return (parameter.Name, largest, size);
            }
        }

        return null;
    }

    // A constant answer reaches the entropy of the labels, whatever the network.
    private double Guess(LossHistory losses, int head) => Math.Min(losses.First[head], _guess);

    // Local heads that the rule does not train have losses that mean nothing.
    private int? First(Func<int, bool> shows)
    {
        int blocks = _rule.Model.Blocks.Count, first = _rule.TrainsHeads ? 0 : blocks;
        return Enumerable.Range(first, blocks + 1 - first).Where(shows).Select(head => (int?)head).FirstOrDefault();
    }

    private string NameOf(int head) =>
        head < _rule.Model.Blocks.Count ? $"block {head}" : _rule.Model.Options.IsSelfSupervised ? "the last projection" : "the readout";

    private static double EntropyOf(ImageSet images)
    {
        double[] shares = [.. images.Labels.ToArray().CountBy(label => label).Select(count => (double)count.Value / images.Count)];
        return -shares.Sum(share => share * Math.Log(share));
    }
}
