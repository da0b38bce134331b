using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The answers of a run's model to the images that its errors are reported on.</summary>
/// <param name="Evaluation">Errors and answers.</param>
/// <param name="ClassNames">Name of each class.</param>
/// <param name="Mistakes">The mistakes with the highest probabilities, with pictures.</param>
/// <param name="Epoch">The epoch whose model it is; null for the last.</param>
internal sealed record TestAnswers(Evaluation Evaluation, IReadOnlyList<string> ClassNames, IReadOnlyList<Mistake> Mistakes, int? Epoch)
{
    private const int MostMistakes = 48;
    private const int LargestSide = 96; // of a picture, in pixels

    /// <summary>Images of each class that are taken for each class. [true class][answer]</summary>
    internal int[][] Confusion
    {
        get
        {
            int[][] counts = [.. ClassNames.Select(_ => new int[ClassNames.Count])];
            foreach (Answer answer in Evaluation.Answers)
            {
                counts[answer.Label][answer.Class]++;
            }

            return counts;
        }
    }

    /// <summary>Evaluates the model of a run.</summary>
    /// <param name="trained">The model.</param>
    /// <param name="data">Its images.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    internal static TestAnswers Of(TrainedModel trained, TrainingData data, WorkerTeam team, CancellationToken cancellation)
    {
        Network model = trained.Model;
        ImageDataset fitting = trained.Fit(data.Images, data.Dataset);
        ImageSet images = fitting.Test;
        using BatchLoader loader = BatchLoader.ForEvaluation(images, data.Images.Mean, data.Images.StandardDeviation, team.Count);
        Evaluation evaluation = new Evaluator(model, team).Evaluate(loader, cancellation);
        ViewMaker plain = new(ViewRecipe.None, 0, images.Height, images.Width, images.Channels, images.Antialias);
        RawImage source = new();
        float[] view = new float[images.ImageLength];
        Mistake[] mistakes =
        [
            .. evaluation.Answers.Select((answer, example) => (answer, example))
                .Where(one => one.answer.Class != one.answer.Label)
                .OrderByDescending(one => one.answer.Probability)
                .Take(MostMistakes)
                .Select(one => new Mistake(one.example, one.answer, Picture(one.example))),
        ];
        return new TestAnswers(evaluation, fitting.ClassNames, mistakes, trained.Epoch);

        byte[] Picture(int example)
        {
            images.Read(example, source);
            plain.Make(source.Pixels, source.Height, source.Width, 0, example, 0, view);
            return PngImage.Encode(view, images.Height, images.Width, images.Channels, LargestSide);
        }
    }
}

/// <summary>An image that a model takes for another class than its own.</summary>
/// <param name="Example">Its number.</param>
/// <param name="Answer">Its class and the model's answer.</param>
/// <param name="Picture">A PNG file of it.</param>
internal sealed record Mistake(int Example, Answer Answer, byte[] Picture);
