using Onward.Engine;

namespace Onward.Training;

/// <summary>Reports the progress of a run to its caller, up to ten times a second.</summary>
internal sealed class ProgressReports
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly bool _trainsHeads;
    private readonly TrainingOptions _options;
    private readonly int _stepsPerEpoch;
    private readonly TimeProvider _clock;

    private Action<TrainingProgress>? _told;
    private TrainingProgress _last; // of a step
    private long _start;
    private long _reported;

    /// <summary>Prepares reports.</summary>
    /// <param name="step">The step that trains.</param>
    /// <param name="options">Options of the run.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <param name="clock">Measures the time.</param>
    internal ProgressReports(TrainingStep step, TrainingOptions options, int stepsPerEpoch, TimeProvider clock)
    {
        (_trainsHeads, _options, _stepsPerEpoch, _clock) = (step.Rule.TrainsHeads, options, stepsPerEpoch, clock);
        double[] losses = _trainsHeads ? new double[step.Network.Blocks.Count] : [];
        _last = new TrainingProgress(1, options.Epochs, 0, stepsPerEpoch, losses, 0, 0, TimeSpan.Zero);
    }

    /// <summary>Begins a run.</summary>
    /// <param name="told">Receives the reports; null for none.</param>
    /// <param name="start">The time at which the run began, or would have begun without interruptions.</param>
    internal void Begin(Action<TrainingProgress>? told, long start) => (_told, _start) = (told, start);

    /// <summary>Begins an epoch, which counts as a report.</summary>
    /// <returns>The time.</returns>
    internal long BeginEpoch() => _reported = _clock.GetTimestamp();

    /// <summary>Reports a step, if a report is due or the step ends its epoch.</summary>
    /// <param name="state">The state of the run.</param>
    /// <param name="now">The time.</param>
    internal void StepEnded(RunState state, long now)
    {
        bool isDue = _clock.GetElapsedTime(_reported, now) >= Interval || state.Step == _stepsPerEpoch;
        if (_told is null || !isDue || state.Step == 0)
        {
            return;
        }

        _reported = now;
        _last = new TrainingProgress(
            state.Epochs.Count + 1,
            _options.Epochs,
            state.Step,
            _stepsPerEpoch,
            TrainedBlockLosses(state),
            state.ErrorPercent,
            state.ImagesPerSecond,
            _clock.GetElapsedTime(_start))
        {
            TrainLoss = state.MeanLoss,
        };
        _told(_last);
    }

    /// <summary>Reports the progress of an evaluation, if a report is due.</summary>
    internal void Tell(EvaluationProgress evaluation)
    {
        if (_told is not null && _clock.GetElapsedTime(_reported) >= Interval)
        {
            _reported = _clock.GetTimestamp();
            _told(_last with { Evaluation = evaluation, Elapsed = _clock.GetElapsedTime(_start) });
        }
    }

    /// <summary>The mean local losses of an epoch; none if the rule does not train the heads, whose losses then mean nothing.</summary>
    internal IReadOnlyList<double> TrainedBlockLosses(RunState state) => _trainsHeads ? state.MeanBlockLosses : [];
}
