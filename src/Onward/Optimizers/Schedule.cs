using Onward.Kernels;

namespace Onward.Optimizers;

/// <summary>Shapes of the learning-rate schedule after the warm-up (paper's code).</summary>
public enum ScheduleShape
{
    /// <summary>Half a cosine from the full rate to 0.</summary>
    Cosine,

    /// <summary>A straight line from the full rate to 0.</summary>
    Linear,

    /// <summary>The full rate, then a tenth of it from half of the run on, then a hundredth from four fifths on.</summary>
    Staircase,

    /// <summary>The full rate throughout.</summary>
    Constant,
}

/// <summary>The learning rate of every step of a run.</summary>
/// <param name="Shape">Shape of the schedule after the warm-up.</param>
/// <param name="Peak">The full learning rate.</param>
/// <param name="WarmupSteps">Number of steps over which the rate rises linearly from 0 to the full rate.</param>
/// <param name="TotalSteps">Number of steps of the whole run, including the warm-up.</param>
public sealed record Schedule(ScheduleShape Shape, double Peak, long WarmupSteps, long TotalSteps)
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">Number of the step, from 0.</param>
    /// <remarks>In the warm-up, step t has the rate Peak (t + 1) / WarmupSteps, so that no step is wasted on a rate of 0.</remarks>
    public double Rate(long step)
    {
        if (step < WarmupSteps)
        {
            return Peak * (step + 1) / WarmupSteps;
        }

        double progress = (double)(step - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps);
        return Peak * Shape switch
        {
            ScheduleShape.Cosine => Pointwise.HalfCosine(progress),
            ScheduleShape.Linear => 1 - progress,
            ScheduleShape.Staircase => step * 5 >= TotalSteps * 4 ? 0.01 : step * 2 >= TotalSteps ? 0.1 : 1,
            _ => 1,
        };
    }
}
