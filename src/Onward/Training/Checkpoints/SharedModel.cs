using System.Runtime.InteropServices;
using Onward.Communication;
using Onward.Engine;
using Onward.Formats;
using Onward.Models;
using Onward.Rules;

namespace Onward.Training;

/// <summary>
/// A model that several processes train together. Each process holds all parameters and trains the ones of its own blocks.
/// </summary>
/// <param name="step">The step, which defines the blocks of every process.</param>
internal sealed class SharedModel(TrainingStep step)
{
    private readonly RankGrid _grid = step.Grid;
    private readonly Network _model = step.Network;

    /// <summary>True if this process trains the parameter.</summary>
    internal bool Owns(Parameter parameter)
    {
        (int first, int length) = _model.ParametersOf(step.OwnBlocks).GetOffsetAndLength(_model.Values.Layout.Length);
        return parameter.Offset >= first && parameter.Offset < first + length;
    }

    /// <summary>Sends the parameters of each process's blocks to all processes.</summary>
    internal void Assemble(ParameterVector vector) => Assemble(vector, _model.ParametersOf);

    /// <summary>Sends the learned feedback matrices of each process's blocks to all processes.</summary>
    internal void AssembleFeedback()
    {
        if (ForwardGradient.FeedbackOf(step) is LearnedFeedback feedback)
        {
            Assemble(feedback.Matrices, feedback.RangeOf);
        }
    }

    private void Assemble(ParameterVector vector, Func<Range, Range> of)
    {
        for (int stage = 0; stage < _grid.Stages && _grid.Stages > 1; stage++)
        {
            _grid.Chain.Broadcast(vector.All[of(step.Stages[stage]..step.Stages[stage + 1])], stage);
        }
    }

    /// <summary>Requires that all processes have the same parameters. Replicas that differ in one bit would diverge unnoticed.</summary>
    internal void RequireSame()
    {
        if (_grid.World.Count > 1)
        {
            _grid.World.RequireSame("Checksums of parameters", Checksum.Of(MemoryMarshal.AsBytes(_model.Values.All)));
        }
    }

    /// <summary>Requires that all processes are about to start the same run.</summary>
    /// <param name="images">Returns the checksum of the images.</param>
    /// <param name="keeps">True if this process keeps checkpoints.</param>
    internal void RequireSameRun(Func<string> images, bool keeps)
    {
        if (_grid.World.Count > 1)
        {
            _grid.World.RequireSame("Images", images());
            _grid.World.RequireSame("Examples in a wave, which follow from threads,", _grid.Stages == 1 ? "any" : $"{step.WaveExamples}");
            _grid.World.RequireSame("Wishes for checkpoints", $"{keeps}");
            RequireSame();
        }
    }
}
