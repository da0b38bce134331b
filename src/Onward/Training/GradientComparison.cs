using Onward.Data;
using Onward.Engine;

namespace Onward.Training;

/// <summary>Compares the gradients of a step with exact ones, at some steps of an epoch. The comparison changes no result.</summary>
/// <param name="step">The step that trains.</param>
/// <param name="exact">Computes exact gradients of the same network.</param>
/// <param name="options">Options of the run.</param>
/// <param name="stepsPerEpoch">Steps of an epoch.</param>
internal sealed class GradientComparison(TrainingStep step, TrainingStep exact, TrainingOptions options, int stepsPerEpoch)
{
    /// <summary>True if gradients are compared at a step.</summary>
    /// <param name="done">Steps of the epoch, including this one.</param>
    internal bool IsDue(int done) =>
        done * (long)options.ComparedSteps / stepsPerEpoch != (done - 1) * (long)options.ComparedSteps / stepsPerEpoch;

    /// <summary>Compares the gradients of the step that has just run, before parameters are updated.</summary>
    /// <param name="batch">The batch of the step.</param>
    /// <param name="number">The number of the step.</param>
    /// <returns>The agreement in each block.</returns>
    internal GradientAgreement[] Measure(ImageBatch batch, uint number)
    {
        exact.Run(batch.Pixels, batch.Labels, number, options.BatchSize);
        return GradientAgreement.Measure(step.Network, step.Gradients, exact.Gradients);
    }
}
