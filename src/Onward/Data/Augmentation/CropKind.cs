namespace Onward.Data.Augmentation;

/// <summary>Ways to choose the part of an image that a view shows.</summary>
public enum CropKind
{
    /// <summary>The whole image. An image of another size than the view is cropped as with <see cref="Centre"/>.</summary>
    Whole,

    /// <summary>
    /// The image as with <see cref="Whole"/>, surrounded by zeros; a rectangle of the view's size is cut from it at random
    /// (paper's code).
    /// </summary>
    Padded,

    /// <summary>A rectangle of random area and aspect ratio, resized to the view by bicubic interpolation (paper's code).</summary>
    Area,

    /// <summary>
    /// The middle of the image, resized to the view by bicubic interpolation (paper's code). For a view of T pixels, the crop
    /// covers T / (T + 32) of the shorter side.
    /// </summary>
    Centre,
}
