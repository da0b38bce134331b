using System.Globalization;
using Onward.Communication;
using Onward.Data;
using Onward.Engine;
using Onward.Formats;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Runs;

/// <summary>A run with all it needs, ready to start: what can be wrong with its options has been found.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly RunHost _host;
    private readonly TrainingData _data;
    private readonly TrainingOptions _options;
    private readonly Network _model;
    private readonly WorkerTeam _team;
    private readonly TrainingStep _step;
    private readonly TrainingStep? _exact;
    private readonly Trainer _trainer;

    /// <summary>Prepares a run, or this process's part of one.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="data">The images that it chose.</param>
    /// <param name="host">Takes notices.</param>
    /// <param name="grid">The processes that share the run; null for one process.</param>
    /// <param name="isBegun">True if a checkpoint will set the weights, so that the plan's initial weights are not read.</param>
    internal TrainingRun(RunPlan plan, TrainingData data, RunHost host, RankGrid? grid = null, bool isBegun = false)
    {
        (_host, _data, _options) = (host, data, plan.Training);
        _model = plan.CreateModel(data);
        _model.Initialize(plan.Training.Seed);
        if (plan.Init is not null && !isBegun)
        {
            InitialWeightsFile.Load(plan.Init, _model, data.Images.ClassNames, host);
        }

        Configuration = RunConfiguration.Of(plan, data, _model.Values.Layout.Count) with
        {
            Parallel = grid is null ? null : string.Create(CultureInfo.InvariantCulture, $"{grid.Share.Count}x{grid.Stages}"),
        };
        _team = new WorkerTeam(plan.Rule.Threads);
        try
        {
            _step = CreateStep(plan.Rule);
            _exact = plan.Training.ComparedSteps > 0 ? CreateStep(plan.Rule.Exact) : null;
            _trainer = new Trainer(_step, data.Images, plan.Training, host.Clock, _exact);
        }
        catch (Exception fault)
        {
            _team.Dispose();
            if (fault is ArgumentException && grid is not null)
            {
                throw new RunException(
                    say => $"{say.Setting("parallel")} {Configuration.Parallel}: {RunException.Sentence(fault)}", fault);
            }

            throw;
        }

        TrainingStep CreateStep(RuleSettings rule) =>
            rule.CreateStep(_model, _team, plan.LossScope, plan.Objective, plan.Training.Seed, grid, plan.Frozen);
    }

    /// <summary>Every option of the run.</summary>
    internal RunConfiguration Configuration { get; }

    /// <summary>Steps of an epoch.</summary>
    internal int StepsPerEpoch => _trainer.StepsPerEpoch;

    /// <summary>Blocks of the model.</summary>
    internal int Blocks => _model.Blocks.Count;

    /// <summary>Puts the run where a checkpoint left it.</summary>
    /// <exception cref="ModelFileException">The checkpoint is of another run.</exception>
    internal void Resume(Checkpoint checkpoint) => _trainer.Resume(checkpoint);

    /// <summary>Begins a file of events for TensorBoard in the run's folder.</summary>
    internal void BeginEvents(RunFolder folder) => folder.BeginEvents(() => TensorBoard.DescribeViews(_data.Images, _options), _host.Clock);

    /// <summary>
    /// Tries the run on a few images, twice, as the first steps of a process are slow; the model is of no use afterwards.
    /// </summary>
    /// <param name="steps">Steps at most.</param>
    /// <returns>Training speed.</returns>
    /// <exception cref="TrainingDivergedException">The steps diverged.</exception>
    internal double Rehearse(int steps)
    {
        ImageSet training = _data.Images.Training, test = _data.Images.Test;
        int images = Math.Min(steps, training.Count / _options.BatchSize) * _options.BatchSize;
        ImageDataset few = _data.Images with
        {
            Training = ImageSubset.Draw(training, images, _options.Seed),
            Test = test.Take(Math.Min(_options.BatchSize, test.Count)),
        };
        TrainingOptions brief = _options with { Epochs = 2, WarmupEpochs = Math.Min(_options.WarmupEpochs, 2) };
        double speed = 0;
        new Trainer(_step, few, brief, _host.Clock, _exact)
            .Run(epochEnded: epoch => speed = epoch.ImagesPerSecond, cancellation: _host.Interruption);
        return speed;
    }

    /// <summary>Bytes that a step works in beside parameters and gradients.</summary>
    internal long ActivationBytes => _step.ActivationBytes;

    /// <summary>Trains, keeping every epoch and the result in the run's folder.</summary>
    /// <param name="folder">The folder; null where another process writes.</param>
    /// <param name="display">Shows it.</param>
    /// <exception cref="TrainingDivergedException">The run diverged; its folder says so.</exception>
    /// <exception cref="OperationCanceledException">The run was interrupted; its folder has no result.</exception>
    internal RunResult Train(RunFolder? folder, TrainingDisplay display)
    {
        Action<Checkpoint>? keep = folder is null ? _ => { } : folder.HasCheckpoints ? folder.Keep : null;
        RunResult result;
        try
        {
            _trainer.Advised = folder is null ? null : Show;
            TrainingResult trained = display.Show(() => _trainer.Run(display.Progress, Keep, keep, _host.Interruption));
            result = RunResult.Of(trained, _trainer.Advice, _step.ActivationBytes, Configuration.IsText);
        }
        catch (TrainingDivergedException fault)
        {
            folder?.Finish(RunResult.Of(fault, _trainer.Advice, _step.ActivationBytes));
            throw;
        }

        folder?.Finish(result);
        return result;

        void Keep(EpochMetrics epoch)
        {
            folder?.Keep(_model, epoch);
            display.EpochEnded(epoch);
        }

        void Show(TrainingAdvice advice) => _host.Tell($"onward: {Describe(advice)}");
    }

    private string Describe(TrainingAdvice advice) => advice.SuggestedRate is double rate
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{advice.Message}; try {_host.Words.Setting("learning rate")} {rate}, or {_host.Words.RateSearch}.")
        : $"{advice.Message}; {_host.Words.RateSearch} looks for a rate that does.";

    /// <summary>Ends the run's threads.</summary>
    public void Dispose() => _team.Dispose();
}
