using Onward.Learning;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A run with all it needs, ready to start: what can be wrong with its options has been found.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly Host _host;
    private readonly TrainingData _data;
    private readonly TrainingOptions _options;
    private readonly LocalMixer _model;
    private readonly WorkerTeam _team;
    private readonly LearningRule _rule;
    private readonly Trainer _trainer;

    /// <summary>Prepares a run.</summary>
    internal TrainingRun(RunPlan plan, TrainingData data, Host host)
    {
        (_host, _data, _options) = (host, data, plan.Training);
        _model = plan.CreateModel(data);
        _model.Initialize(plan.Training.Seed);
        Configuration = plan.Configure(data, _model.Values.Layout.Count);
        _team = new WorkerTeam(plan.Rule.Threads);
        _rule = plan.Rule.Create(_model, _team, plan.LossScope, plan.Objective.Loss, plan.Training.Seed);
        _trainer = new Trainer(_model, _rule, _team, data.Images, plan.Training, host.Clock);
    }

    /// <summary>Every option of the run.</summary>
    internal RunConfiguration Configuration { get; }

    /// <summary>Blocks of the model.</summary>
    internal int Blocks => _model.Blocks.Count;

    /// <summary>Puts the run where a checkpoint left it.</summary>
    /// <exception cref="ModelFileException">The checkpoint is of another run.</exception>
    internal void Resume(Checkpoint checkpoint) => _trainer.Resume(checkpoint);

    /// <summary>Begins a file of events for TensorBoard in the run's folder.</summary>
    internal void BeginEvents(RunFolder folder) => folder.BeginEvents(() => TensorBoard.DescribeViews(_data.Images, _options), _host.Clock);

    /// <summary>Trains, keeping every epoch and the result in the run's folder.</summary>
    /// <exception cref="TrainingDivergedException">The run diverged; its folder says so.</exception>
    /// <exception cref="OperationCanceledException">The run was interrupted; its folder has no result.</exception>
    internal RunResult Train(RunFolder folder, TrainingDisplay display)
    {
        RunResult result;
        try
        {
            result = RunResult.Of(display.Show(() => _trainer.Run(display.Progress, Keep, folder.HasCheckpoints ? folder.Keep : null, _host.Interruption)), _rule.ActivationBytes);
        }
        catch (TrainingDivergedException fault)
        {
            folder.Finish(RunResult.Of(fault, _rule.ActivationBytes));
            throw;
        }

        folder.Finish(result);
        return result;

        void Keep(EpochMetrics epoch)
        {
            folder.Keep(_model, epoch);
            display.EpochEnded(epoch);
        }
    }

    /// <summary>Ends the run's threads.</summary>
    public void Dispose() => _team.Dispose();
}
