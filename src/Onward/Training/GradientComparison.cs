using Onward.Data;
using Onward.Engine;

namespace Onward.Training;

/// <summary>Compares the gradients of a rule with exact ones, at some steps of an epoch. The comparison changes no result.</summary>
/// <param name="rule">The rule that trains.</param>
/// <param name="exact">Computes exact gradients on the same model.</param>
/// <param name="options">Options of the run.</param>
/// <param name="stepsPerEpoch">Steps of an epoch.</param>
internal sealed class GradientComparison(LearningRule rule, LearningRule exact, TrainingOptions options, int stepsPerEpoch)
{
    /// <summary>True if gradients are compared at a step.</summary>
    /// <param name="done">Steps of the epoch, including this one.</param>
    internal bool IsDue(int done) =>
        done * (long)options.ComparedSteps / stepsPerEpoch != (done - 1) * (long)options.ComparedSteps / stepsPerEpoch;

    /// <summary>Compares the gradients of the step that the rule has just taken, before parameters are updated.</summary>
    /// <param name="batch">The batch of the step.</param>
    /// <param name="step">The number of the step.</param>
    /// <returns>The agreement in each block.</returns>
    internal GradientAgreement[] Measure(ImageBatch batch, uint step)
    {
        exact.Step(batch.Pixels, batch.Labels, step, options.BatchSize);
        return GradientAgreement.Measure(rule.Model, rule.Gradients, exact.Gradients);
    }
}
